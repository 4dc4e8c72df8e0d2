import { appendFile, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { callsOf, noon, setScene, someFacts } from './scene.ts'

const all = { limit: 1000 } as const
const dayMs = 86_400_000

describe('the record of calls', () => {
  it('has of a call who asked whom for what, how it ended, and no more', async () => {
    const { activity, lines } = await setScene()
    const call = activity.begin(someFacts)
    expect(call.wantsPayload).toBe(false)
    call.payload('request', Buffer.from('{"planted":"argument"}'))
    call.end({ outcome: 'failed', code: 'connection.signed_out', status: 401, bytes: 321 })
    call.end({ outcome: 'answered', bytes: 1 })
    const { records, next } = await activity.list(all)
    expect(next).toBeNull()
    expect(records).toEqual([
      {
        at: noon,
        record: 'call',
        client: 'cursor',
        connection: 'linear',
        face: 'http',
        method: 'tools/call',
        name: 'list_issues',
        outcome: 'failed',
        code: 'connection.signed_out',
        status: 401,
        durationMs: expect.any(Number),
        sent: 10,
        received: 321,
      },
    ])
    expect(await lines()).toHaveLength(1)
  })

  it.skipIf(process.platform === 'win32')('is for its owner alone', async () => {
    const { activity, call, folder } = await setScene()
    call()
    await activity.list(all)
    expect((await stat(folder)).mode & 0o777).toBe(0o700)
    expect(await readdir(folder)).toEqual(['2026-11-21.jsonl'])
    expect((await stat(join(folder, '2026-11-21.jsonl'))).mode & 0o777).toBe(0o600)
  })

  it('touches no disk before a call ends, and writes all when it closes', async () => {
    const { activity, call, home, lines } = await setScene()
    const open = activity.begin(someFacts)
    expect(await readdir(home)).toEqual([])
    for (let count = 0; count < 5000; count++) call()
    await activity.close()
    expect(await lines()).toHaveLength(5000)
    open.end({ outcome: 'cancelled', bytes: 0 })
    await activity.close()
    expect(await lines()).toHaveLength(5000)
  })

  it('has each call in the file of the day on which it ended, and goes on where another process stopped', async () => {
    const scene = await setScene({ now: noon - 1 })
    scene.call({ name: 'first' })
    scene.clock.now = noon + dayMs / 2
    scene.call({ name: 'second' })
    const later = await scene.again()
    later.call({ name: 'third' })
    await later.activity.close()
    expect(await readdir(scene.folder)).toEqual(['2026-11-21.jsonl', '2026-11-22.jsonl'])
    expect(callsOf(await scene.lines()).map(({ name }) => name)).toEqual(['first', 'second', 'third'])
  })

  it.each([-1, -60_000, -3 * dayMs, -400 * dayMs, -noon, -2 * noon, 8e15])(
    'goes on when the clock jumps by %i ms, and back',
    async (jump) => {
      const scene = await setScene()
      const call = scene.activity.begin(someFacts)
      scene.clock.now = noon + jump
      call.end({ outcome: 'answered', bytes: 1 })
      scene.call({ name: 'meanwhile' })
      scene.clock.now = noon
      scene.call({ name: 'after' })
      const { records } = await scene.activity.list(all)
      const calls = callsOf(records)
      expect(calls.map(({ name }) => name)).toContain('after')
      for (const { durationMs } of calls) expect(durationMs).toBeGreaterThanOrEqual(0)
      expect(scene.notices).toEqual([])
    },
  )

  it('skips half a line that a crash left, and does not write onto it', async () => {
    const scene = await setScene()
    scene.call({ name: 'before' })
    await scene.activity.close()
    await appendFile(join(scene.folder, '2026-11-21.jsonl'), '{"at":1795262400000,"record":"call","cli')
    const later = await scene.again()
    later.call({ name: 'after' })
    const { records } = await later.activity.list(all)
    expect(callsOf(records).map(({ name }) => name)).toEqual(['after', 'before'])
  })

  it('skips what another version wrote, and files of others', async () => {
    const scene = await setScene()
    scene.call()
    await scene.activity.close()
    await appendFile(
      join(scene.folder, '2026-11-21.jsonl'),
      `{"at":${noon},"record":"dream"}\n\nnot ours\n\0\0\n`,
    )
    await writeFile(join(scene.folder, 'notes.txt'), `{"at":${noon}}\n`)
    const later = await scene.again()
    expect((await later.activity.list(all)).records).toHaveLength(1)
  })

  it('is deleted whole, or for one connection, and stays otherwise', async () => {
    const { activity, call, lines, folder } = await setScene()
    for (const connection of ['linear', 'notion', 'linear']) call({ connection })
    call({ connection: 'other', name: '"connection":"linear"' })
    expect(await activity.clear('linear' as never)).toBeGreaterThan(100)
    expect(callsOf(await lines()).map(({ connection }) => connection)).toEqual(['notion', 'other'])
    call({ connection: 'later' })
    expect(callsOf((await activity.list(all)).records).map(({ connection }) => connection)).toEqual([
      'later',
      'other',
      'notion',
    ])
    await activity.clear()
    expect(await readdir(folder)).toEqual([])
    call()
    expect((await activity.list(all)).records).toHaveLength(1)
  })
})
