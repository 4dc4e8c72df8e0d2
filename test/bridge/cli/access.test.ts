import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { runCommandLine } from '../../../bridge/cli/program.ts'
import { ApprovalDetails, AppAccess, type ApprovalAnswer } from '../../../shared/access.ts'
import { BridgeError } from '../../../shared/errors.ts'
import type { BridgeEvent } from '../../../shared/events.ts'
import { createEventHub } from '../../../bridge/event-hub.ts'
import { startControl } from '../control/start-control.ts'
import { startCommands } from './run-command.ts'

const cursor = AppAccess.parse({
  client: 'cursor',
  connections: ['linear'],
  rules: [
    { connection: 'linear', tool: 'delete_*', verdict: 'deny' },
    { connection: 'linear', tool: 'write', verdict: 'ask' },
  ],
})

const approval = (id: string, tool = 'write'): ApprovalDetails =>
  ApprovalDetails.parse({
    id,
    client: 'cursor',
    connection: 'linear',
    tool,
    since: Date.now(),
    expires: Date.now() + 90_000,
    preview: '{"to":"ada"}',
  })

describe('access', () => {
  it('says of each app what it may use, and of the others that they may use all', async () => {
    const { run, json } = await startCommands({
      access: { list: async () => [cursor], get: async () => cursor },
    })
    const { out } = await run(['access'])
    expect(out).toMatch(
      /^cursor\n {2}may use linear\n {2}linear {2}delete_\* +deny\n {2}linear {2}write +ask\n/,
    )
    expect(out).toContain('Every other client app may use all tools of all connections.')
    expect(await json(['access', 'cursor'])).toEqual(cursor)
  })

  it.each([
    [
      ['set', 'cursor', 'linear', 'deny', '--tool', 'delete_*'],
      { sets: 'rule', tool: 'delete_*', verdict: 'deny' },
    ],
    [['set', 'cursor', 'linear', 'ask'], { sets: 'rule', tool: '*', verdict: 'ask' }],
    [['set', 'cursor', 'linear', 'default', '--tool', 'x'], { sets: 'rule', tool: 'x', verdict: 'default' }],
    [
      ['connections', 'cursor', 'linear', 'github'],
      { sets: 'connections', connections: ['linear', 'github'] },
    ],
    [['connections', 'cursor', '--all'], { sets: 'connections', connections: 'all' }],
    [['connections', 'cursor', '--none'], { sets: 'connections', connections: [] }],
  ])('changes what %j says', async (words, change) => {
    const changes: unknown[] = []
    const set = async (given: unknown) => (changes.push(given), cursor)
    const { json } = await startCommands({ access: { set } })
    expect(await json(['access', ...words])).toEqual(cursor)
    const where = change.sets === 'rule' ? { connection: 'linear' } : {}
    expect(changes).toEqual([{ client: 'cursor', ...where, ...change }])
  })

  it('says so when no app has the name, which may be a slip that denies nothing', async () => {
    const set = async (): Promise<AppAccess> => cursor
    const { run } = await startCommands({ access: { set } })
    expect((await run(['access', 'set', 'cursr', 'linear', 'deny'])).err).toContain('cursr is no app')
    expect((await run(['access', 'set', 'cursor', 'linear', 'deny'])).err).not.toContain('is no app')
  })

  it.each([
    [['set', 'cursor', 'linear', 'forbid'], 'cli.usage'],
    [['set', 'cursor', 'linear', 'deny', '--tool', ''], 'access.rule_invalid'],
    [['set', 'cursor', 'linear', 'deny', '--tool', 'a\u001b[2J'], 'access.rule_invalid'],
    [['set', 'cursor', 'Not An Id', 'deny'], 'connection.unknown'],
    [['connections', 'cursor'], 'cli.usage'],
    [['connections', 'cursor', 'linear', '--all'], 'cli.usage'],
  ])('changes nothing for %j', async (words, code) => {
    const { run, json } = await startCommands()
    expect((await run(['access', ...words])).code).toBe(3)
    expect(await json(['access', ...words])).toMatchObject({ error: { code } })
  })
})

describe('approvals', () => {
  it('shows what waits, and what to type', async () => {
    const waiting = [approval('7')]
    const { run, json } = await startCommands({ approvals: { list: async () => waiting } })
    const { out } = await run(['approvals'])
    expect(out).toContain('call 7: write of linear, by cursor\n  {"to":"ada"}\n')
    expect(out).toContain('bridgekeeper approvals allow ID')
    expect(await json(['approvals'])).toEqual(waiting)
  })

  it.each<[string[], ApprovalAnswer]>([
    [['allow', '7'], { verdict: 'allow', lasts: 'once' }],
    [['allow', '7', '--session'], { verdict: 'allow', lasts: 'session' }],
    [['allow', '7', '--always'], { verdict: 'allow', lasts: 'always' }],
    [['deny', '7'], { verdict: 'deny', lasts: 'once' }],
    [['deny', '7', '--always'], { verdict: 'deny', lasts: 'always' }],
  ])('answers with %j', async (words, answer) => {
    const given: unknown[] = []
    const { run } = await startCommands({ approvals: { answer: async (input) => (given.push(input), {}) } })
    const { code, out } = await run(['approvals', ...words])
    expect([code, given]).toEqual([0, [{ id: '7', answer }]])
    expect(out).toBe(`Call 7 was ${answer.verdict === 'allow' ? 'allowed' : 'refused'}.\n`)
  })

  it('says that a call waits no more', async () => {
    const answer = async (): Promise<never> => {
      throw new BridgeError('access.approval_unknown')
    }
    const { run } = await startCommands({ approvals: { answer } })
    const { code, err } = await run(['approvals', 'allow', '7'])
    expect(code).toBe(3)
    expect(err).toContain('[access.approval_unknown]')
  })
})

/** Calls that wait, of a bridge that the test plays, and a person at a terminal who types answers as questions come. */
async function watch(typed: readonly string[], options: { json?: true } = {}) {
  const events = createEventHub()
  const waiting: ApprovalDetails[] = []
  const given: { id: string; answer: ApprovalAnswer }[] = []
  const settle = (id: string, outcome: 'allowed' | 'denied' | 'left'): void => {
    waiting.splice(
      waiting.findIndex((one) => one.id === id),
      1,
    )
    events.emit({ event: 'approval-settled', id, outcome })
  }
  const { home, socket } = await startControl({
    events: (_, signal) => events.subscribe(signal) as AsyncGenerator<BridgeEvent>,
    approvals: {
      list: async () => [...waiting],
      async answer({ id, answer }) {
        if (!waiting.some((one) => one.id === id)) throw new BridgeError('access.approval_unknown')
        given.push({ id, answer })
        settle(id, answer.verdict === 'allow' ? 'allowed' : 'denied')
        return {}
      },
    },
  })
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const stdin = Object.assign(new PassThrough(), { isTTY: true })
  const said = { out: '', err: '' }
  const left = [...typed]
  stdout.on('data', (chunk: Buffer) => (said.out += chunk.toString()))
  stderr.on('data', (chunk: Buffer) => {
    said.err += chunk.toString()
    const questions = chunk.toString().match(/\[y: /g) ?? []
    for (const _ of questions) setImmediate(() => stdin.write(left.shift() ?? ''))
  })
  const words = ['approvals', '--watch', ...(options.json ? ['--json'] : [])]
  const bridge = new URL('no-bridge.js', import.meta.url)
  const ended = runCommandLine(words, { env: { BRIDGEKEEPER_HOME: home }, stdin, stdout, stderr, bridge })
  return {
    waiting,
    given,
    said,
    settle,
    ask(details: ApprovalDetails) {
      const { preview: _, ...shown } = details
      waiting.push(details)
      events.emit({ event: 'approval-asked', approval: shown })
    },
    async end() {
      await socket.close()
      return await ended
    },
  }
}

describe('approvals --watch', () => {
  it('asks about each call in its turn, and takes what is typed for that one alone', async () => {
    const scene = await watch(['maybe\n', 's\n', 'never\n', 'y\n'])
    scene.waiting.push(approval('1'), approval('2', 'delete'))
    await expect.poll(() => scene.given.length).toBe(2)
    scene.ask(approval('3'))
    await expect.poll(() => scene.given.length).toBe(3)
    expect(scene.given).toEqual([
      { id: '1', answer: { verdict: 'allow', lasts: 'session' } },
      { id: '2', answer: { verdict: 'deny', lasts: 'always' } },
      { id: '3', answer: { verdict: 'allow', lasts: 'once' } },
    ])
    await expect.poll(() => scene.said.out).toContain('Call 3 was allowed.')
    expect(scene.said.err).toContain('Not understood.')
    await scene.end()
  })

  it('goes on to the next when a call was answered elsewhere', async () => {
    const scene = await watch(['', 'n\n'])
    scene.waiting.push(approval('1'), approval('2'))
    await expect.poll(() => scene.said.err).toContain('Allow call 1')
    scene.settle('1', 'left')
    await expect.poll(() => scene.given).toEqual([{ id: '2', answer: { verdict: 'deny', lasts: 'once' } }])
    expect(scene.said.out).toContain('Call 1 is gone')
    await scene.end()
  })

  it('gives a program one line for each, and asks it nothing', async () => {
    const scene = await watch([], { json: true })
    scene.waiting.push(approval('1'))
    await expect.poll(() => scene.said.out).toContain('approval-asked')
    scene.settle('1', 'allowed')
    await expect.poll(() => scene.said.out.split('\n')).toHaveLength(3)
    const lines = scene.said.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object)
    expect(lines).toMatchObject([
      { event: 'approval-asked', approval: { id: '1', preview: '{"to":"ada"}' } },
      { event: 'approval-settled', id: '1', outcome: 'allowed' },
    ])
    expect(scene.said.err).toBe('')
    await scene.end()
  })
})
