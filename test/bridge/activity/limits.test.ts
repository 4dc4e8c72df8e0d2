import fc from 'fast-check'
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { surplusFiles } from '../../../bridge/activity/day-files.ts'
import { callsOf, noon, setScene } from './scene.ts'

const dayMs = 86_400_000
const dayAt = (at: number): string => new Date(at).toISOString().slice(0, 10)

const sizeOf = async (folder: string): Promise<number> => {
  const names = await readdir(folder)
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}

describe('how much is kept', () => {
  it('is never more than the limits allow, and always the newest', () => {
    const file = fc.record({ ago: fc.nat(50), part: fc.integer({ min: 1, max: 9 }), bytes: fc.nat(200) })
    fc.assert(
      fc.property(
        fc.array(file, { minLength: 1, maxLength: 30 }),
        fc.nat(50),
        fc.nat(100),
        (some, keepDays, room) => {
          const unique = new Map(some.map((one) => [`${one.ago}.${one.part}`, one]))
          const files = [...unique.values()]
            .sort((one, other) => other.ago - one.ago || one.part - other.part)
            .map(({ ago, part, bytes }) => {
              const day = dayAt(noon - ago * dayMs)
              return { name: `${day}.${part}.jsonl`, day, part, bytes }
            })
          const current = files.at(-1)?.name ?? ''
          const limits = { keepDays: Math.max(keepDays, 1), maxBytes: 1000 }
          const { aged, crowded } = surplusFiles(files, { now: noon, limits, room, current })
          const kept = files.filter((one) => !aged.includes(one) && !crowded.includes(one))
          expect(kept.map(({ name }) => name)).toContain(current)
          expect(kept.reduce((sum, { bytes }) => sum + bytes, room)).toBeLessThanOrEqual(1000)
          const oldest = dayAt(noon - limits.keepDays * dayMs)
          expect(kept.filter(({ day, name }) => day < oldest && name !== current)).toEqual([])
          // Of a day, what goes is older than what stays.
          const later = [...aged, ...crowded].filter((gone) =>
            kept.some((one) => one.day === gone.day && one.part < gone.part),
          )
          expect(later).toEqual([])
        },
      ),
    )
  })

  it('leaves quiet days their calls when one day is busy', () => {
    const quiet = { name: 'quiet.jsonl', day: '2026-11-19', part: 1, bytes: 100 }
    const busy = [1, 2, 3, 4, 5, 6].map((part) => ({
      name: `2026-11-21.${part}.jsonl`,
      day: '2026-11-21',
      part,
      bytes: 100,
    }))
    const limits = { keepDays: 30, maxBytes: 1000 }
    const around = { now: noon, limits, room: 100, current: '2026-11-21.6.jsonl' }
    expect(surplusFiles([quiet, ...busy], around).crowded.map(({ part }) => part)).toEqual([1, 2])
  })

  it('holds while calls are written: the oldest go, which a line says, and the latest are there', async () => {
    const { activity, call, folder, lines } = await setScene({ settings: { 'activity.maxMegabytes': 4 } })
    const most = 4 * 1024 * 1024
    for (let round = 0; round < 6; round++) {
      for (let count = 0; count < 5000; count++) call({ name: `call ${round * 5000 + count}` })
      await activity.list({ limit: 1 })
      expect(await sizeOf(folder)).toBeLessThanOrEqual(most)
    }
    const written = await lines()
    expect(callsOf(written).at(-1)?.name).toBe('call 29999')
    const numbers = callsOf(written).map(({ name }) => Number(name?.slice(5)))
    expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, at) => 30_000 - numbers.length + at))
    expect(numbers.length).toBeLessThan(30_000)
    expect(
      written.filter((line) => line.includes('"gap"')).map((line) => JSON.parse(line) as unknown),
    ).toContainEqual({
      at: noon,
      record: 'gap',
      reason: 'size',
      bytes: expect.any(Number),
      day: '2026-11-21',
    })
  })

  it('ends by age, day by day', async () => {
    const { call, activity, folder, clock } = await setScene({ settings: { 'activity.keepDays': 2 } })
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, '2026-11-18.jsonl'), 'x\n')
    await writeFile(join(folder, '2026-11-19.jsonl'), 'x\n')
    call()
    await activity.list({ limit: 1 })
    expect(await readdir(folder)).toEqual(['2026-11-19.jsonl', '2026-11-21.jsonl'])
    clock.now += 2 * dayMs
    call()
    await activity.list({ limit: 1 })
    expect(await readdir(folder)).toEqual(['2026-11-21.jsonl', '2026-11-23.jsonl'])
  })

  it('is nothing where no day is to be kept', async () => {
    const { call, activity, folder } = await setScene({ settings: { 'activity.keepDays': 0 } })
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, '2026-11-21.jsonl'), 'x\n')
    call()
    expect((await activity.list({ limit: 1 })).records).toEqual([])
    expect(await readdir(folder)).toEqual([])
  })
})
