import { describe, expect, it } from 'vitest'
import type { ActivityQuery, ActivityRecord } from '../../../shared/activity.ts'
import { errors } from '../../../shared/errors.ts'
import { version } from '../../../bridge/version.ts'
import { callsOf } from '../activity/scene.ts'
import { status } from '../control/handlers.ts'
import { startCommands } from './run-command.ts'

const now = Date.now()

const call = (parts: Partial<ActivityRecord> = {}): ActivityRecord =>
  ({
    at: now,
    record: 'call',
    client: 'cursor',
    connection: 'linear',
    face: 'http',
    method: 'tools/call',
    name: 'list_issues',
    outcome: 'answered',
    status: 200,
    durationMs: 12.3,
    sent: 230,
    received: 4321,
    ...parts,
  }) as ActivityRecord

/** A bridge with these records, the newest first, in pages as they are asked for. */
async function startWith(records: ActivityRecord[]) {
  const asked: ActivityQuery[] = []
  const commands = await startCommands({
    bridge: { status: async () => ({ ...status, version }) },
    activity: {
      list: async (query) => {
        asked.push(query)
        const start = Number(query.before?.split(':')[1] ?? 0)
        const end = start + Math.min(query.limit, 700)
        return {
          records: records.slice(start, end),
          next: end < records.length ? `2026-11-21.1:${end}` : null,
        }
      },
    },
  })
  return { ...commands, asked }
}

describe('bridgekeeper activity', () => {
  it('shows a table in words, the latest call at the bottom', async () => {
    const { run, asked } = await startWith([
      call({ client: 'claude-desktop', outcome: 'failed', code: 'connection.signed_out', status: undefined }),
      call({ outcome: 'error', durationMs: 61_000 * 2, request: '{"a":1}', answer: '{"b":2}' }),
      { at: now, record: 'gap', reason: 'disk', calls: 7 },
      call(),
    ])
    const { code, out, err } = await run(['activity'])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    const [first = '', gap, second, request, answer, last, ...rest] = out.trimEnd().split('\n')
    expect(first).toMatch(
      /^\d\d:\d\d:\d\d {2}cursor {10}linear {2}tools\/call list_issues {2}200 {2}12 ms {4}230 B out, 4\.3 kB in {2}answered$/,
    )
    expect(gap).toContain('7 calls could not be recorded')
    expect(second).toMatch(/2\.0 min .* the server answered with an error$/)
    expect([request, answer]).toEqual(['    > {"a":1}', '    < {"b":2}'])
    expect(last).toContain(`failed: ${errors['connection.signed_out'].cause}`)
    expect(last?.indexOf('linear')).toBe(first.indexOf('linear'))
    expect(rest).toEqual([])
    expect(asked).toEqual([{ limit: 50 }])
  })

  it('asks for what was typed, page by page, and gives JSON lines', async () => {
    const records = Array.from({ length: 3000 }, (_, at) => call({ name: `call ${at}` }))
    const { run, asked } = await startWith(records)
    const words = [
      'activity',
      '--client',
      'cursor',
      '--connection',
      'linear',
      '--since',
      '1h',
      '--limit',
      '1500',
    ]
    const { code, out } = await run([...words, '--json'])
    expect(code).toBe(0)
    const shown = callsOf(out.trimEnd().split('\n'))
    expect(shown.map(({ name }) => name)).toEqual(
      Array.from({ length: 1500 }, (_, at) => `call ${1499 - at}`),
    )
    expect(asked.map(({ limit }) => limit)).toEqual([1000, 800, 100])
    expect(asked[0]).toMatchObject({ client: 'cursor', connection: 'linear' })
    expect(Date.now() - (asked[0]?.since ?? 0)).toBeGreaterThanOrEqual(3_600_000)
  })

  it('shows calls as they end, in columns that stay', async () => {
    const { run } = await startCommands({
      activity: {
        async *follow() {
          yield call({ client: 'claude-desktop' })
          yield { at: now, record: 'gap', reason: 'reader', calls: 3 } as const
          yield call()
        },
      },
    })
    const { code, out } = await run(['activity', '--follow'])
    expect(code).toBe(0)
    const [first = '', gap, second = ''] = out.trimEnd().split('\n')
    expect(gap).toContain('3 calls are not shown')
    expect(second.indexOf('linear')).toBe(first.indexOf('linear'))
    const json = await run(['activity', '--follow', '--json'])
    expect(json.out.trimEnd().split('\n')).toHaveLength(3)
  })

  it('shows nothing that a terminal would obey, and keeps each call to its line', async () => {
    const hostile = '\u001B]0;owned\u0007\u001B[2Jann\u202E\nx'
    const { run } = await startWith([
      call({ client: hostile, name: hostile, method: hostile, request: hostile }),
    ])
    const { out } = await run(['activity'])
    expect(out).toContain('ann')
    expect(out.trimEnd().split('\n')).toHaveLength(2)
    expect(out.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u)
    const json = await run(['activity', '--json'])
    expect(json.out.slice(0, -1)).not.toMatch(/[\p{Cc}\p{Cf}]/u)
  })

  it('says so when there is nothing, and prints nothing into a pipe', async () => {
    const { run } = await startWith([])
    expect(await run(['activity'])).toMatchObject({ code: 0, out: '', err: 'No calls are recorded.\n' })
    expect((await run(['activity', '--client', 'cursr'])).err).toBe('No such calls are recorded.\n')
    expect(await run(['activity', '--json'])).toEqual({ code: 0, out: '', err: '' })
  })

  it('switches payloads and clears, and says what that means', async () => {
    const asked: unknown[] = []
    const { run, json } = await startCommands({
      activity: {
        payloads: async () => ['linear'] as never,
        setPayloads: async (input) => {
          asked.push(input)
          return []
        },
        clear: async (input) => {
          asked.push(input)
          return { bytes: 1234 }
        },
      },
    })
    expect((await run(['activity', 'payloads'])).out).toContain('for: linear')
    expect((await run(['activity', 'payloads', 'linear', 'on'])).out).toContain('kept from now on')
    expect((await run(['activity', 'payloads', 'linear', 'off'])).out).toContain(
      'activity clear --connection linear',
    )
    expect((await run(['activity', 'clear', '--connection', 'linear'])).out).toBe('Deleted 1.2 kB.\n')
    expect(await json(['activity', 'clear'])).toEqual({ bytes: 1234 })
    expect(asked).toEqual([
      { connection: 'linear', on: true },
      { connection: 'linear', on: false },
      { connection: 'linear' },
      {},
    ])
  })
})
