import { mkdir, mkdtemp, readdir, rename, rm, utimes } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isListening } from '../../../bridge/control/listening.ts'
import { takeLock } from '../../../bridge/control/lock.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bk-lock-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** A socket file that nobody listens on any more, as a killed process leaves it. */
async function leaveDeadSocket(path: string): Promise<void> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen({ path: `${path}-alive` }, resolve))
  await rename(`${path}-alive`, path)
  await new Promise((resolve) => server.close(resolve))
}

describe.skipIf(process.platform === 'win32')('the lock of the one bridge', () => {
  it('goes to exactly one of ten that ask at once, over a dead holder, every time', async () => {
    const lock = join(folder, 'lock')
    for (let round = 0; round < 100; round += 1) {
      await mkdir(lock)
      await leaveDeadSocket(join(lock, 'deadbeef'))
      const taken = (await Promise.all(Array.from({ length: 10 }, () => takeLock(lock)))).filter(Boolean)
      expect(taken).toHaveLength(1)
      expect(await readdir(lock)).toHaveLength(1)
      await taken[0]?.release()
      expect(await readdir(folder)).toEqual([])
    }
  })

  it('is refused while its holder lives and free after the release', async () => {
    const lock = join(folder, 'lock')
    const first = await takeLock(lock)
    expect(await takeLock(lock)).toBeUndefined()
    await first?.release()
    const second = await takeLock(lock)
    expect(second).toBeDefined()
    await second?.release()
  })

  it('survives the late release of somebody who lost it', async () => {
    const lock = join(folder, 'lock')
    const first = await takeLock(lock)
    await rm(lock, { recursive: true })
    const second = await takeLock(lock)
    await first?.release()
    expect(await takeLock(lock)).toBeUndefined()
    await second?.release()
  })

  it('sweeps what killed starters left, and nothing that may be in use', async () => {
    const old = join(folder, '.0123abcd')
    const young = join(folder, '.4567cdef')
    for (const left of [old, young]) {
      await mkdir(left)
      await leaveDeadSocket(join(left, 'dead'))
    }
    await utimes(old, 0, 0)
    const held = await takeLock(join(folder, 'lock'))
    expect((await readdir(folder)).sort()).toEqual(['.4567cdef', 'lock'])
    await held?.release()
  })
})

describe.skipIf(process.platform === 'win32')('a unix socket', () => {
  it('is known to be alive or dead by connecting', async () => {
    const path = join(folder, 'a')
    expect(await isListening(path)).toBe(false)
    await leaveDeadSocket(path)
    expect(await isListening(path)).toBe(false)
    const server = createServer()
    await new Promise<void>((resolve) => server.listen({ path: join(folder, 'b') }, resolve))
    expect(await isListening(join(folder, 'b'))).toBe(true)
    await new Promise((resolve) => server.close(resolve))
  })
})
