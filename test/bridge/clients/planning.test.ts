import { describe, expect, it } from 'vitest'
import { ClientPlan } from '../../../shared/client-app.ts'
import { ConnectionId } from '../../../shared/connection.ts'
import { clientApp, clientApps } from '../../../bridge/clients/apps.ts'
import { isEmptyPlan, viewPlan } from '../../../bridge/clients/plan.ts'
import {
  linkFor,
  planAdd,
  planRemove,
  planRenewal,
  type Situation,
} from '../../../bridge/clients/planning.ts'
import { clientKey, machineWith, own, targetFor } from './fixtures.ts'
import { afterOf, code, linear, pathOf, real, sentry, situation, wanted } from './plan-fixtures.ts'
import { realFiles } from './real-files.ts'

describe.each(clientApps)('adding to $name', (app) => {
  it('names the entry by its connection, or bridgekeeper for all of them', () => {
    const plan = planAdd(app, [wanted(app, linear), wanted(app)], real(app))
    expect(plan.changes).toHaveLength(1)
    expect(plan.changes[0]?.path).toBe(pathOf(app))
    const names = JSON.stringify(afterOf(plan))
    expect(names).toContain('linear-work')
    expect(names).toContain('bridgekeeper')
  })

  it('does nothing the second time', () => {
    const once = afterOf(planAdd(app, [wanted(app, linear)], real(app)))
    const again = planAdd(app, [wanted(app, linear)], situation({ [pathOf(app)]: once }))
    expect(isEmptyPlan(again)).toBe(true)
  })

  it('makes a file that holds nothing else where there is none', () => {
    const plan = planAdd(app, [wanted(app, linear)], situation({}))
    expect(plan.changes[0]?.before).toBeUndefined()
    expect(afterOf(plan).endsWith('\n')).toBe(true)
    expect(plan.notes).toContain(`${app.name} was not found on this machine.`)
  })

  it('fills an empty file', () => {
    for (const empty of ['', '\n', '\uFEFF']) {
      const plan = planAdd(app, [wanted(app, linear)], situation({ [pathOf(app)]: empty }))
      expect(afterOf(plan)).toContain('linear-work')
    }
  })

  it('brings an entry with a key of before up to date and keeps what the person has set for it', () => {
    const once = afterOf(planAdd(app, [wanted(app, linear)], real(app)))
    const old = once.replaceAll(clientKey, 'another-key-of-before').replaceAll('/usr/bin/node', '/old/node')
    const kept = app.format === 'json' ? old.replace(/("linear-work": ?\{)/, '$1 "mine": [1],') : old
    expect(kept).not.toBe(once)
    const plan = planAdd(app, [wanted(app, linear)], situation({ [pathOf(app)]: kept }))
    expect(afterOf(plan).replace(' "mine": [1],', '')).toBe(once)
  })

  it('is removed with every byte as it was', () => {
    const both = afterOf(planAdd(app, [wanted(app, linear), wanted(app)], real(app)))
    const files = situation({ [pathOf(app)]: both })
    expect(afterOf(planRemove(app, 'every', files))).toBe(realFiles[app.id])
    const one = afterOf(planRemove(app, [undefined], files))
    expect(one).toBe(afterOf(planAdd(app, [wanted(app, linear)], real(app))))
    expect(isEmptyPlan(planRemove(app, [sentry], files))).toBe(true)
  })

  it('leaves alone a file that does not parse', () => {
    const broken = situation({ [pathOf(app)]: '{ "a": [ : ]' })
    expect(() => planAdd(app, [wanted(app, linear)], broken)).toThrow(code('clients.file_broken'))
    const plan = planRemove(app, 'every', broken)
    expect(isEmptyPlan(plan)).toBe(true)
    expect(plan.notes).toHaveLength(1)
  })

  it('is shown without the client key and without the secrets of others', () => {
    const view = viewPlan(planAdd(app, [wanted(app, linear)], real(app)))
    expect(ClientPlan.parse(view)).toEqual(view)
    const shown = JSON.stringify(view)
    expect(shown).toContain('linear-work')
    for (const secret of [
      clientKey,
      'ghp_0123',
      'ctx7sk',
      'hf_0123',
      'github_pat_0123',
      'stripe-access',
      'sbp-',
      'lovelace',
    ]) {
      expect(shown).not.toContain(secret)
    }
  })
})

describe('the name of an entry', () => {
  it('is not taken from a server of another', () => {
    const cursor = clientApp('cursor')
    const text = '{"mcpServers":{"linear-work":{"url":"https://mcp.linear.app/mcp"}}}'
    expect(() => planAdd(cursor, [wanted(cursor, linear)], situation({ [pathOf(cursor)]: text }))).toThrow(
      expect.objectContaining({ code: 'clients.entry_taken', detail: 'linear-work in Cursor' }),
    )
  })

  it('is that under which the connection is there already', () => {
    const cursor = clientApp('cursor')
    const { target } = wanted(cursor, linear)
    const text = `{"mcpServers":{"tickets":{"url":"http://127.0.0.1:47330/another-key-of-before/linear-work/mcp"}}}`
    const plan = planAdd(cursor, [wanted(cursor, linear)], situation({ [pathOf(cursor)]: text }))
    expect(JSON.parse(afterOf(plan))).toEqual({
      mcpServers: { tickets: { url: target.kind === 'http' ? target.url : '' } },
    })
  })

  it('differs for all connections and for one that is called bridgekeeper', () => {
    const cursor = clientApp('cursor')
    const plan = planAdd(
      cursor,
      [wanted(cursor), wanted(cursor, ConnectionId.parse('bridgekeeper'))],
      situation({}),
    )
    expect(Object.keys(JSON.parse(afterOf(plan)).mcpServers)).toEqual([
      'bridgekeeper',
      'bridgekeeper-connection',
    ])
  })
})

describe('an app that starts programs only', () => {
  it('is never given an address', () => {
    const app = clientApp('claude-desktop')
    expect(() =>
      planAdd(app, [{ connection: linear, target: targetFor('http', linear) }], situation({})),
    ).toThrow(code('clients.file_unsupported'))
  })
})

describe('a project', () => {
  it('gets its own file, with a word about what is in it', () => {
    const app = clientApp('cursor')
    const plan = planAdd(app, [wanted(app, linear)], situation({}, { project: '/src/engine' }))
    expect(plan.changes[0]?.path).toBe('/src/engine/.cursor/mcp.json')
    expect(plan.notes.join(' ')).toContain('holds a key of this machine')
  })

  it('has a file for Continue that Continue accepts', () => {
    const app = clientApp('continue')
    const plan = planAdd(app, [wanted(app, linear)], situation({}, { project: '/src/engine' }))
    expect(afterOf(plan)).toBe(
      [
        'name: Bridgekeeper',
        'version: 1.0.0',
        'schema: v1',
        'mcpServers:',
        '  - name: linear-work',
        '    type: streamable-http',
        `    url: http://127.0.0.1:47330/${clientKey}/linear-work/mcp`,
        '',
      ].join('\n'),
    )
  })
})

describe('the command of Claude Code', () => {
  const app = clientApp('claude-code')
  const path = '/home/ada/.claude.json'
  const withProgram = (text: string | undefined): Situation => ({
    ...situation(text === undefined ? {} : { [path]: text }),
    machine: machineWith('linux', [path, '/usr/local/bin/claude'], { PATH: 'bin:/usr/bin:/usr/local/bin' }),
  })

  it('is preferred to editing its file when it is on the path', () => {
    const plan = planAdd(app, [wanted(app, linear)], withProgram(realFiles['claude-code']))
    expect(plan.changes).toEqual([])
    expect(plan.commands).toEqual([
      {
        program: '/usr/local/bin/claude',
        args: app.command?.add(linear, wanted(app, linear).target),
        undo: ['mcp', 'remove', '--scope', 'user', linear],
        leaves: { path, name: linear, present: true },
      },
    ])
    expect(JSON.stringify(viewPlan(plan))).not.toContain(clientKey)
  })

  it('replaces an entry by removing it first, and knows the way back', () => {
    const before = situation({ [path]: realFiles['claude-code'] })
    const old = afterOf(planAdd(app, [wanted(app, linear)], before)).replaceAll(
      clientKey,
      'another-key-of-before',
    )
    const { commands } = planAdd(app, [wanted(app, linear)], withProgram(old))
    expect(commands.map(({ args }) => args[1])).toEqual(['remove', 'add'])
    expect(commands[0]?.undo.at(-1)).toBe('http://127.0.0.1:47330/another-key-of-before/linear-work/mcp')
  })

  it('is not run when nothing would change, nor for a project', () => {
    const before = situation({ [path]: realFiles['claude-code'] })
    const done = afterOf(planAdd(app, [wanted(app, linear)], before))
    expect(isEmptyPlan(planAdd(app, [wanted(app, linear)], withProgram(done)))).toBe(true)
    const project = planAdd(app, [wanted(app, linear)], { ...withProgram(undefined), project: '/src/engine' })
    expect(project.commands).toEqual([])
    expect(project.changes[0]?.path).toBe('/src/engine/.mcp.json')
  })

  it('removes too', () => {
    const before = situation({ [path]: realFiles['claude-code'] })
    const done = afterOf(planAdd(app, [wanted(app, linear)], before))
    const { commands, changes } = planRemove(app, 'every', withProgram(done))
    expect(changes).toEqual([])
    expect(commands).toMatchObject([
      { args: ['mcp', 'remove', '--scope', 'user', linear], leaves: { present: false } },
    ])
  })

  it('is never a script of Windows, which would need a shell', () => {
    const machine = machineWith('win32', ['C:\\npm\\claude.cmd', 'C:\\npm\\claude.ps1'], { Path: 'C:\\npm' })
    const plan = planAdd(app, [wanted(app, linear)], { machine, own, files: new Map() })
    expect(plan.commands).toEqual([])
    expect(plan.changes).toHaveLength(1)
  })
})

describe('removing', () => {
  it('looks into every file that the app may have been added in', () => {
    const app = clientApp('cline')
    const [shared = '', extension = ''] = app.files(machineWith('linux')).map(({ path }) => path)
    const added = afterOf(planAdd(app, [wanted(app, linear)], situation({ [shared]: realFiles.cline })))
    const plan = planRemove(app, 'every', situation({ [shared]: added, [extension]: added }))
    expect(plan.changes.map(({ path }) => path)).toEqual([shared, extension])
  })

  it('brings back the bytes of before where only an empty table would be left', () => {
    const app = clientApp('cursor')
    for (const original of ['{ }', '{"x":1}\n', '', '{\n  "mcpServers": {\n  }\n}']) {
      const added = afterOf(planAdd(app, [wanted(app, linear)], situation({ [pathOf(app)]: original })))
      const known = situation({ [pathOf(app)]: added }, { originals: new Map([[pathOf(app), original]]) })
      expect(afterOf(planRemove(app, 'every', known))).toBe(original)
    }
  })

  it('does not bring back bytes that say something else', () => {
    const app = clientApp('cursor')
    const added = afterOf(planAdd(app, [wanted(app, linear), wanted(app)], situation({})))
    const known = situation({ [pathOf(app)]: added }, { originals: new Map([[pathOf(app), '{}']]) })
    expect(afterOf(planRemove(app, [linear], known))).toContain('bridgekeeper')
  })
})

describe('a renewal', () => {
  it.each(clientApps)(
    'brings every entry of $name up to date, whatever its name, and touches no other',
    (app) => {
      const added = afterOf(planAdd(app, [wanted(app, linear), wanted(app)], real(app)))
      const old = added
        .replaceAll(clientKey, 'another-key-of-before')
        .replaceAll('/usr/bin/node', '/old/node')
      const files = situation({ [pathOf(app)]: old })
      const plan = planRenewal(app, (connection) => wanted(app, connection).target, files)
      expect(afterOf(plan)).toBe(added)
      const again = situation({ [pathOf(app)]: added })
      expect(isEmptyPlan(planRenewal(app, (connection) => wanted(app, connection).target, again))).toBe(true)
      expect(isEmptyPlan(planRenewal(app, (connection) => wanted(app, connection).target, real(app)))).toBe(
        true,
      )
    },
  )

  it('finds two entries for one connection', () => {
    const cursor = clientApp('cursor')
    const url = 'http://127.0.0.1:47330/another-key-of-before/linear-work/mcp'
    const text = JSON.stringify({ mcpServers: { one: { url }, two: { url } } })
    const plan = planRenewal(
      cursor,
      (connection) => wanted(cursor, connection).target,
      situation({ [pathOf(cursor)]: text }),
    )
    expect(afterOf(plan)).toBe(text.replaceAll('another-key-of-before', clientKey))
  })
})

describe('a link', () => {
  it('has the name that the entry would have', () => {
    const cursor = clientApp('cursor')
    expect(new URL(linkFor(cursor, wanted(cursor)) ?? '').searchParams.get('name')).toBe('bridgekeeper')
    expect(new URL(linkFor(cursor, wanted(cursor, linear)) ?? '').searchParams.get('name')).toBe(
      'linear-work',
    )
    expect(linkFor(clientApp('zed'), wanted(clientApp('zed')))).toBeUndefined()
  })
})
