import fc from 'fast-check'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { linesBackwards } from '../../../bridge/activity/lines-backwards.ts'
import { callLine } from '../../../bridge/activity/line.ts'
import type { ActivityQuery, ActivityRecord } from '../../../shared/activity.ts'
import type { ConnectionId } from '../../../shared/connection.ts'
import { callsOf, newFolder, noon, setScene, someFacts, type Scene } from './scene.ts'

async function everyPage(scene: Scene, query: ActivityQuery): Promise<ActivityRecord[]> {
  const records: ActivityRecord[] = []
  let before: string | undefined
  do {
    const page = await scene.activity.list({ ...query, ...(before === undefined ? {} : { before }) })
    expect(page.records.length).toBeLessThanOrEqual(query.limit)
    records.push(...page.records)
    before = page.next ?? undefined
  } while (before !== undefined)
  return records
}

describe('lines, the last one first', () => {
  it('are those of the file, at their offsets, however the blocks cut them and wherever one ends', async () => {
    const folder = await newFolder()
    const line = fc
      .nat(90_000)
      .chain((length) => fc.constantFrom('a'.repeat(length), 'é🙂'.repeat(length / 8)))
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { maxLength: 8 }),
        fc.boolean(),
        fc.nat(8),
        async (lines, isCut, cursor) => {
          const file = join(folder, 'lines')
          const text = lines.map((one) => `${one}\n`).join('') + (isCut ? 'half' : '')
          await writeFile(file, text)
          const all = text.split('\n').slice(0, cursor)
          const end = Buffer.byteLength(all.map((one) => `${one}\n`).join(''))
          const found: string[] = []
          for await (const some of linesBackwards(file, end)) {
            for (const { offset, bytes } of some) {
              expect(
                Buffer.from(text)
                  .subarray(offset, offset + bytes.length)
                  .equals(bytes),
              ).toBe(true)
              found.push(bytes.toString())
            }
          }
          expect(found).toEqual(all.filter(Boolean).toReversed())
        },
      ),
      { numRuns: 60 },
    )
  })

  it('leave out what is too long to be one, and go on before it', async () => {
    const file = join(await newFolder(), 'lines')
    await writeFile(file, `first\n${'x'.repeat(3 * 1024 * 1024)}\nlast\n${'y'.repeat(1024 * 1024)}`)
    const found: string[] = []
    for await (const some of linesBackwards(file)) found.push(...some.map(({ bytes }) => bytes.toString()))
    expect(found).toEqual(['last', 'first'])
  })
})

describe('reading the record', () => {
  it('gives every call once, the newest first, in pages of any size, over days and parts', async () => {
    const scene = await setScene({ settings: { 'activity.maxMegabytes': 4 }, now: noon })
    for (let count = 0; count < 3000; count++) {
      scene.call({ name: `call ${count}` })
      if (count % 1000 === 999) scene.clock.now += 86_400_000
    }
    const names = Array.from({ length: 3000 }, (_, at) => `call ${2999 - at}`)
    for (const limit of [1000, 997, 64]) {
      const records = await everyPage(scene, { limit })
      expect(callsOf(records).map(({ name }) => name)).toEqual(names)
    }
    for (let count = 0; count < 3; count++) scene.call({ name: 'later' })
    const page = await scene.activity.list({ limit: 4 })
    expect(callsOf(page.records).map(({ name }) => name)).toEqual(['later', 'later', 'later', 'call 2999'])
    // What comes meanwhile moves no page.
    for (let count = 0; count < 3; count++) scene.call({ name: 'still later' })
    const next = await scene.activity.list({ limit: 2, before: page.next ?? '' })
    expect(callsOf(next.records).map(({ name }) => name)).toEqual(['call 2998', 'call 2997'])
  })

  it('gives of all calls those that are asked for', async () => {
    const scene = await setScene()
    const facts = fc.record({
      client: fc.constantFrom('cursor', 'zed', 'a "quoted" app', 'süß', 'cur'),
      connection: fc.constantFrom('linear', 'linear-work', 'notion'),
      name: fc.constantFrom('x', '"client":"cursor"', '"connection":"linear"'),
      after: fc.nat(40_000_000),
    })
    const calls = fc.sample(facts, { numRuns: 600, seed: 7 })
    for (const { after, ...call } of calls) {
      scene.clock.now = noon + after
      scene.call(call)
    }
    const everything = callsOf(await everyPage(scene, { limit: 1000 }))
    expect(everything).toHaveLength(600)
    const filters = fc.record(
      {
        client: fc.constantFrom('cursor', 'zed', 'a "quoted" app', 'süß', 'nobody'),
        connection: fc.constantFrom('linear', 'notion') as fc.Arbitrary<ConnectionId>,
        since: fc.nat(90_000_000).map((more) => noon + more),
        until: fc.nat(90_000_000).map((more) => noon + more),
        limit: fc.integer({ min: 1, max: 1000 }),
      },
      { requiredKeys: ['limit'] },
    )
    await fc.assert(
      fc.asyncProperty(filters, async (query) => {
        const { client, connection, since = 0, until = Infinity } = query
        const fitting = everything.filter(
          (call) =>
            (client === undefined || call.client === client) &&
            (connection === undefined || call.connection === connection) &&
            call.at >= since &&
            call.at <= until,
        )
        expect(await everyPage(scene, query)).toEqual(fitting)
      }),
      { numRuns: 60 },
    )
  })

  it('lets others go on while it looks through much in vain, and ends when nobody waits for it', async () => {
    const scene = await setScene()
    const line = callLine(noon, someFacts, { outcome: 'answered', bytes: 1 }, 1, undefined)
    await mkdir(scene.folder)
    for (const part of [2, 3]) {
      await writeFile(
        join(scene.folder, `2026-11-21.${part}.jsonl`),
        line.repeat((4 * 1024 * 1024) / line.length),
      )
    }
    let turns = 0
    let isOver = false
    const count = (): void => {
      turns++
      if (!isOver) setImmediate(count)
    }
    setImmediate(count)
    expect((await scene.activity.list({ client: 'nobody', limit: 1 })).records).toEqual([])
    isOver = true
    // A turn for each block of 64 KB at the least.
    expect(turns).toBeGreaterThan(100)

    const leaving = new AbortController()
    const listing = scene.activity.list({ client: 'nobody', limit: 1 }, leaving.signal)
    leaving.abort(new Error('left'))
    await expect(listing).rejects.toThrow('left')
  })

  it('takes a page of files that are gone for the rest that there is', async () => {
    const scene = await setScene()
    scene.call()
    const { next } = await scene.activity.list({ limit: 1, before: '2027-01-01.3:999' })
    expect(next).toBeNull()
    expect((await scene.activity.list({ limit: 1, before: '2026-11-21.1:99999999' })).records).toHaveLength(1)
    expect((await scene.activity.list({ limit: 1, before: '2020-01-01.1:5' })).records).toEqual([])
    expect(await readdir(scene.folder)).toHaveLength(1)
  })
})

describe('following calls', () => {
  it('gives those that are asked for as they end, and ends when nobody listens', async () => {
    const { activity, call } = await setScene()
    const leaving = new AbortController()
    call({ name: 'before' })
    const calls = activity.follow({ client: 'cursor', connection: 'linear' as ConnectionId }, leaving.signal)
    call({ name: 'first' })
    call({ client: 'zed' })
    call({ connection: 'notion' })
    call({ name: 'second' })
    const seen: ActivityRecord[] = []
    for await (const record of calls) {
      seen.push(record)
      if (seen.length === 2) leaving.abort()
    }
    expect(callsOf(seen).map(({ name }) => name)).toEqual(['first', 'second'])
    expect(seen).toEqual(
      (await activity.list({ limit: 5 })).records
        .filter((one) =>
          seen.some((own) => own.record === 'call' && one.record === 'call' && own.name === one.name),
        )
        .toReversed(),
    )
  })

  it('says to a face that is too slow how many it missed, and goes on', async () => {
    const { activity, call } = await setScene()
    const leaving = new AbortController()
    const calls = activity.follow({}, leaving.signal)[Symbol.asyncIterator]()
    for (let count = 0; count < 1500; count++) call({ name: `call ${count}` })
    const seen: ActivityRecord[] = []
    const read = async (): Promise<void> => void seen.push((await calls.next()).value as ActivityRecord)
    for (let count = 0; count < 1000; count++) await read()
    expect(callsOf(seen).at(-1)?.name).toBe('call 999')
    call({ name: 'missed too, since it came before the gap was told' })
    await read()
    expect(seen.at(-1)).toEqual({ at: noon, record: 'gap', reason: 'reader', calls: 501 })
    call({ name: 'after' })
    await read()
    expect(seen.at(-1)).toMatchObject({ name: 'after' })
    leaving.abort()
    expect(await calls.next()).toMatchObject({ done: true })
  })
})
