import { execFile } from 'node:child_process'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ActivityRecord } from '../../../shared/activity.ts'
import { callsOf, newFolder, setScene } from './scene.ts'

const run = promisify(execFile)

async function canMount(): Promise<boolean> {
  if (process.getuid?.() !== 0 || process.platform !== 'linux') return false
  try {
    await run('unshare', ['-m', 'mount', '-t', 'tmpfs', '-o', 'size=64k', 'none', '/mnt'])
    return true
  } catch {
    return false
  }
}

const mounts = await canMount()

describe('a disk that takes no record', () => {
  it('costs the calls of that time, said once to the log and the faces and once in the record', async () => {
    const scene = await setScene()
    await writeFile(scene.folder, 'a file where the folder must be')
    for (let count = 0; count < 3; count++) {
      scene.call()
      await scene.activity.list({ limit: 1 }).catch(() => undefined)
    }
    expect(scene.notices).toEqual([{ code: 'activity.write_failed', detail: expect.any(String) }])
    expect(scene.logged.filter(({ level }) => level === 'error')).toHaveLength(1)
    await expect(scene.activity.list({ limit: 1 })).rejects.toMatchObject({ code: 'activity.unreadable' })

    await rm(scene.folder)
    scene.call({ name: 'after' })
    const { records } = await scene.activity.list({ limit: 10 })
    expect(records).toMatchObject([{ name: 'after' }, { record: 'gap', reason: 'disk', calls: 3 }])
    expect(scene.notices).toHaveLength(1)

    await rm(scene.folder, { recursive: true })
    await writeFile(scene.folder, 'again')
    scene.call()
    await scene.activity.list({ limit: 1 }).catch(() => undefined)
    expect(scene.notices).toHaveLength(2)
  })

  it('costs nothing more when it takes the record again before the end', async () => {
    const scene = await setScene()
    await writeFile(scene.folder, '')
    scene.call()
    await scene.activity.list({ limit: 1 }).catch(() => undefined)
    await rm(scene.folder)
    await scene.activity.close()
    expect((await scene.lines()).map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { reason: 'disk', calls: 1 },
    ])
  })

  it.skipIf(!mounts)(
    `keeps whole lines when it is full, and goes on when there is room${mounts ? '' : ' (skipped: this user cannot mount a small disk)'}`,
    async () => {
      const home = await newFolder()
      await run('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'none', home])
      onTestFinished(async () => void (await run('umount', ['-l', home])))
      await mkdir(join(home, 'activity'), { mode: 0o700 })
      const scene = await setScene({ home })
      await writeFile(join(home, 'filler'), Buffer.alloc(100 * 1024))
      for (let round = 0; round < 5; round++) {
        for (let count = 0; count < 400; count++) scene.call({ name: `call ${round * 400 + count}` })
        await scene.activity.list({ limit: 1 })
      }
      expect(scene.notices).toEqual([{ code: 'activity.write_failed', detail: 'no space left' }])
      const before = callsOf(await scene.lines())
      expect(before.length).toBeGreaterThan(0)
      expect(before.length).toBeLessThan(2000)

      await rm(join(home, 'filler'))
      scene.call({ name: 'after' })
      await scene.activity.close()
      const records = (await scene.lines()).map((line) => ActivityRecord.parse(JSON.parse(line)))
      const lost = records.flatMap((record) => (record.record === 'gap' ? (record.calls ?? 0) : []))
      expect(callsOf(records).at(-1)?.name).toBe('after')
      // Every call is either there or counted.
      expect(callsOf(records).length + lost.reduce((sum, calls) => sum + calls, 0)).toBe(2001)
    },
  )
})
