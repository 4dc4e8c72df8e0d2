import { describe, expect, it } from 'vitest'
import { BridgeError, consequences, errors } from '../../../shared/errors.ts'
import { describeCommands } from '../../../bridge/cli/commands.ts'
import { runCommand, startCommands } from './run-command.ts'

const failing = (error: BridgeError) => async (): Promise<never> => {
  throw error
}

describe('every command', () => {
  const all = describeCommands({ execute: async () => undefined, showHelp: () => undefined }).commands

  it.each(all.map((command) => command.name()))('%s has help with an example, and --json', async (name) => {
    const { code, out, err } = await runCommand(['help', name], { env: {} })
    expect(code).toBe(0)
    expect(err).toBe('')
    expect(out).toContain('--json')
    expect(out).toMatch(new RegExp(`\\$ bridgekeeper ${name}\\b`))
  })

  const nested = all.flatMap((command) =>
    command.commands.map((one) => [command.name(), one.name()] as const),
  )

  it.each(nested)('%s %s has help of its own with an example, and --json', async (group, name) => {
    const { code, out } = await runCommand(['help', group, name], { env: {} })
    expect(code).toBe(0)
    expect(out).toContain(`Usage: bridgekeeper ${group} ${name} `)
    expect(out).toContain('--json')
    expect(out).toMatch(new RegExp(`\\$ bridgekeeper ${group} ${name}\\b`))
  })

  it.each([['help'], ['help', 'clients'], ['help', 'access'], ['help', 'approvals'], ['help', 'activity']])(
    'fits a terminal of 80 columns: %s %s',
    async (...words) => {
      const { out } = await runCommand(words.filter(Boolean), { env: {} })
      expect(out.split('\n').filter((line) => line.length > 80)).toEqual([])
    },
  )

  it('is in the list that the program shows by itself', async () => {
    const { code, out } = await runCommand([], { env: {} })
    expect(code).toBe(0)
    for (const name of ['serve', 'add', 'connect', 'list', 'status', 'trace', 'endpoint', 'tools', 'call']) {
      expect(out).toContain(`  ${name} `)
    }
    for (const name of ['revoke', 'remove', 'events', 'settings', 'doctor', 'stop', 'activity'])
      expect(out).toContain(`  ${name} `)
  })
})

describe('a command line that cannot be understood', () => {
  it.each([
    [['lst']],
    [['status']],
    [['list', 'a', 'b']],
    [['list', '--nope']],
    [['help', 'lst']],
    [['settings', 'put', 'a', 'b']],
    [['settings', 'set', 'port']],
    [['settings', 'get', 'port', '1']],
    [['call', 'linear', 'x', 'not json']],
    [['connect', 'linear', '--scope', 're"ad']],
    [['activity', '--limit', '0']],
    [['activity', '--limit', '10001']],
    [['activity', '--since', 'yesterday']],
    [['activity', '--follow', '--since', '1h']],
    [['activity', 'payloads', 'linear']],
    [['activity', 'payloads', 'linear', 'maybe']],
  ])('%j ends with 3 and says what is wrong', async (words) => {
    const { code, out, err } = await runCommand(words, { env: {} })
    expect(code).toBe(3)
    expect(out).toBe('')
    expect(err).toContain('[cli.usage]')
    expect(err).not.toContain('outputHelp')
    const said = await runCommand([...words, '--json'], { env: {} })
    expect(said.code).toBe(3)
    expect(said.err).toBe('')
    expect(said.out.trim().split('\n')).toHaveLength(1)
    expect(said.out).toContain('"cli.usage"')
  })

  it('does not repeat the value of an option, which may be a secret in the wrong place', async () => {
    const { err } = await runCommand(['add', 'https://a.example', '--bearer=sk-planted'], { env: {} })
    expect(err).toContain('--bearer')
    expect(err).not.toContain('planted')
  })
})

describe('the exit code', () => {
  const codes = ['oauth.denied', 'network.timeout', 'discovery.metadata_invalid', 'step_up.limit'] as const

  it.each(codes)('of %s is that of its fixer, in words and in JSON', async (code) => {
    const { cause, remedy, fixer } = errors[code]
    const { run } = await startCommands({ connections: { get: failing(new BridgeError(code, 'a detail')) } })
    const words = await run(['status', 'linear'])
    expect(words.code).toBe(consequences[fixer].exit)
    expect(words.out).toBe('')
    expect(words.err).toContain(`${cause} (a detail).`)
    expect(words.err).toContain(remedy)
    const json = await run(['status', 'linear', '--json'])
    expect(json.code).toBe(consequences[fixer].exit)
    expect(JSON.parse(json.out)).toEqual({ error: { code, detail: 'a detail', cause, remedy, fixer } })
  })

  it('of a mistake of ours is 70', async () => {
    const { run } = await startCommands({
      connections: {
        list: async () => {
          throw new TypeError('planted')
        },
      },
    })
    const { code, err } = await run(['list'])
    expect(code).toBe(70)
    expect(err).not.toContain('planted')
  })
})
