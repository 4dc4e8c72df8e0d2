import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { callLine } from '../../../bridge/activity/line.ts'
import { ActivityRecord } from '../../../shared/activity.ts'
import { noon, someFacts } from './scene.ts'

const anything = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 400 }),
  fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)) }),
  fc.constantFrom(
    '',
    '"',
    '\\',
    '\n',
    '\u2028',
    '\ud800',
    '\u009b2J',
    '\u202e',
    '🙂'.repeat(300),
    'x'.repeat(1e5),
  ),
)

const lineOf = (facts: Partial<typeof someFacts>, request?: string): string =>
  callLine(
    noon,
    { ...someFacts, ...facts },
    { outcome: 'answered', status: 200, bytes: 3 },
    1.23456,
    request === undefined ? undefined : { request },
  )

const bounded = (text: string, longest: number): string =>
  text.length <= longest ? text : `${text.slice(0, longest - 1)}…`

describe('a line of the record', () => {
  it('is one bounded line of JSON by the contract, whatever the texts from outside are', () => {
    fc.assert(
      fc.property(
        anything,
        anything,
        anything,
        anything,
        anything,
        (client, connection, method, name, request) => {
          const line = lineOf({ client, connection, method, name }, request)
          expect(line.indexOf('\n')).toBe(line.length - 1)
          expect(line.slice(0, -1)).not.toMatch(/[\p{Cc}\p{Cf}\u2028\u2029]/u)
          expect(Buffer.byteLength(line)).toBeLessThan(64 * 1024)
          const record = ActivityRecord.parse(JSON.parse(line))
          const kept = record.record === 'call' && record
          expect(kept && kept.method).toBe(bounded(method, 100))
          expect(kept).toMatchObject({ at: noon, durationMs: 1.2, sent: 10, received: 3, status: 200 })
          expect(kept && kept.client).toBe(bounded(client, 200))
        },
      ),
    )
  })

  it.each([
    ['https://a.example/x?token=planted#planted', 'https://a.example/x'],
    ['https://planted:planted@a.example/x', 'https://a.example/x'],
    ['postgres://planted@db/issues?password=planted', 'postgres://db/issues'],
    ['data:text/plain;base64,planted', 'data:text/plain'],
    ['note:1?planted', 'note:1'],
    ['relative?planted', 'relative'],
    ['file:///home/ann/a@b', 'file:///home/ann/a@b'],
  ])('of a resource %s keeps %s', (name, kept) => {
    expect(JSON.parse(lineOf({ method: 'resources/read', name }))).toMatchObject({ name: kept })
  })

  it('keeps the name of a tool as it is', () => {
    expect(JSON.parse(lineOf({ name: 'what?#&:' }))).toMatchObject({ name: 'what?#&:' })
  })
})
