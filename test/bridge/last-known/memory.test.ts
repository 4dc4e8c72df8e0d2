import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { openMemory, type Memory } from '../../../bridge/last-known/memory.ts'
import { createHandClock } from '../../end-to-end/sign-in-setup.ts'
import { startBridge, type BridgeUnderTest } from '../../support/bridge-under-test.ts'

const hour = 60 * 60_000
const open: BridgeUnderTest[] = []

afterEach(async () => {
  for (const bridge of open.splice(0)) await bridge.close()
})

async function setScene() {
  const bridge = await startBridge()
  open.push(bridge)
  const clock = createHandClock()
  const folder = join(bridge.home.folder, 'memory')
  const identities = new Map([['issues', 'the first']])
  const log = { debug() {}, info() {}, warn() {}, error() {} }
  const begin = (): Memory =>
    openMemory({ folder, vault: bridge.vault, clock, log, identityOf: (id) => identities.get(id) })
  return { clock, folder, identities, begin, memory: begin() }
}

const tool = Buffer.from('{"name":"one"}')

describe('the memory of servers', () => {
  it('knows after a restart what it was told, written once for changes that come together', async () => {
    const { memory, begin, folder, clock } = await setScene()
    memory.learn('issues', 'both')
    memory.learnSelf('issues', { version: '2025-11-25', capabilities: { tools: {} } })
    memory.learnList('issues', 'tools', [tool])
    expect(clock.waiting()).toBe(1)
    await memory.close()
    expect(clock.waiting()).toBe(0)
    await writeFile(join(folder, 'server-issues.sealed.tmp-0123456789abcdef'), 'left by a crash')
    const later = begin()
    expect(later.eraOf('issues')).toBe('both')
    expect(later.of('issues')?.lists.tools).toMatchObject({
      items: Buffer.from('[{"name":"one"}]'),
      count: 1,
    })
    later.learnList('issues', 'tools', [tool, tool])
    await later.close()
    expect(await readdir(folder)).toEqual(['server-issues.sealed'])
  })

  it('writes nothing for what it knew already, until it is hours older', async () => {
    const { memory, clock } = await setScene()
    memory.learn('issues', 'modern')
    memory.learnList('issues', 'tools', [tool])
    await memory.close()
    for (let times = 0; times < 3; times++) {
      memory.learn('issues', 'modern')
      memory.learnList('issues', 'tools', [tool])
    }
    expect(clock.waiting()).toBe(0)
    clock.pass(7 * hour)
    memory.learnList('issues', 'tools', [tool])
    expect(clock.waiting()).toBe(1)
    await memory.close()
  })

  it('relies on the era of a server for a day', async () => {
    const { memory, clock } = await setScene()
    memory.learn('issues', 'session')
    clock.pass(23 * hour)
    expect(memory.eraOf('issues')).toBe('session')
    clock.pass(hour)
    expect(memory.eraOf('issues')).toBeUndefined()
    await memory.close()
  })

  it('says nothing of another connection that has the same id', async () => {
    const { memory, begin, identities } = await setScene()
    memory.learn('issues', 'sse')
    await memory.close()
    identities.set('issues', 'the second')
    expect(memory.eraOf('issues')).toBeUndefined()
    expect(begin().of('issues')).toBeUndefined()
    identities.delete('issues')
    memory.learn('issues', 'sse')
    expect(memory.of('issues')).toBeUndefined()
  })

  it('tells who watches of lists that are others now, and of no other', async () => {
    const { memory } = await setScene()
    const seen: string[] = []
    const unwatch = memory.watch('issues', (name, { count }) => seen.push(`${name} ${count}`))
    memory.learnList('issues', 'tools', [tool])
    memory.learnList('issues', 'tools', [tool])
    memory.learnList('issues', 'prompts', [])
    unwatch()
    memory.learnList('issues', 'tools', [])
    expect(seen).toEqual(['tools 1', 'prompts 0'])
    await memory.close()
  })
})
