import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdir, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { connectControl } from '../../../bridge/control/client.ts'
import { listenAlone } from '../../../bridge/control/one-bridge.ts'
import { ensureHome, systemPaths } from '../../../bridge/paths.ts'
import { newHome } from './start-control.ts'

async function newReadyHome() {
  const made = await newHome()
  ensureHome(made.paths)
  return made
}

async function newStarter(): Promise<ChildProcess> {
  const starter = fork(fileURLToPath(new URL('starter.ts', import.meta.url)), {
    execArgv: ['--import', 'tsx'],
  })
  onTestFinished(() => void starter.kill('SIGKILL'))
  await once(starter, 'message')
  return starter
}

async function kill(starter: ChildProcess): Promise<void> {
  const exited = once(starter, 'exit')
  starter.kill('SIGKILL')
  await exited
}

describe('one bridge per home', () => {
  it('has exactly one winner of ten that start at once, also over the remains of a killed one', async () => {
    const { home } = await newReadyHome()
    const starters = await Promise.all(Array.from({ length: 10 }, newStarter))
    for (let round = 0; round < 4; round += 1) {
      const answers = starters.map(async (starter) => (await once(starter, 'message'))[0] as object)
      for (const starter of starters) starter.send(home)
      const found = await Promise.all(answers)
      const winner = starters.findIndex((_, index) => 'alone' in found[index]!)
      const pid = starters[winner]?.pid
      expect(found).toEqual(
        starters.map((_, index) => (index === winner ? { alone: pid } : { already: pid })),
      )
      await kill(starters[winner]!)
      starters[winner] = await newStarter()
    }
  }, 120_000)

  it('says which bridge there is already', async () => {
    const { home, paths } = await newReadyHome()
    const starter = await newStarter()
    starter.send(home)
    await once(starter, 'message')
    expect(await listenAlone(paths)).toMatchObject({ already: { pid: starter.pid } })
  })

  it('tells a face of a killed bridge that the bridge is gone', async () => {
    const { home, paths } = await newReadyHome()
    const starter = await newStarter()
    starter.send(home)
    await once(starter, 'message')
    await kill(starter)
    await expect(connectControl(paths.socket).bridge.status({})).rejects.toMatchObject({
      code: 'bridge.unreachable',
    })
  })

  it('waits for one that ends and takes its place', async () => {
    const { paths } = await newReadyHome()
    const first = await listenAlone(paths)
    if (!('alone' in first)) throw new Error('another bridge in a new home')
    const second = listenAlone(paths)
    // The first never answers who it is, as one that ends before it was ready.
    await first.alone.close()
    const found = await second
    expect(found).toHaveProperty('alone')
    if ('alone' in found) await found.alone.close()
    expect(await readdir(dirname(paths.socket))).toEqual([])
  })

  it('fails in bounded time when another holds the place and does not answer', async () => {
    const { paths } = await newReadyHome()
    const first = await listenAlone(paths)
    await expect(listenAlone(paths, { waitMs: 100 })).rejects.toMatchObject({ code: 'bridge.unreachable' })
    if ('alone' in first) await first.alone.close()
  })

  it('also has its place where the home is too deep for a socket', async () => {
    const { home } = await newHome()
    const paths = systemPaths({ BRIDGEKEEPER_HOME: join(home, 'deep'.repeat(30)) })
    onTestFinished(() => rm(dirname(paths.socket), { recursive: true, force: true }))
    ensureHome(paths)
    const found = await listenAlone(paths)
    expect(found).toHaveProperty('alone')
    expect((await stat(dirname(paths.socket))).mode & 0o777).toBe(0o700)
    if ('alone' in found) await found.alone.close()
  })

  it('names the place when something else is in the way', async () => {
    const { paths } = await newReadyHome()
    await writeFile(paths.lock, '')
    await expect(listenAlone(paths)).rejects.toMatchObject({ code: 'bridge.home_unwritable' })
  })
})
