import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RecordKind } from '../../../bridge/vault/record.ts'
import { listSetAside } from '../../../bridge/vault/set-aside.ts'
import { openVault } from '../../../bridge/vault/vault.ts'
import { bundle, fileKeyStore, recordingLog, removeBundle, temporaryFolder } from './support/surroundings.ts'

const RUNS = 100
const AT_ONCE = 2

const counters: RecordKind<{ n: number }> = {
  name: 'counter',
  version: 1,
  parse: (value) => value as { n: number },
}

let writer: string
beforeAll(async () => {
  writer = await bundle(resolve(import.meta.dirname, 'support/counting-writer.ts'))
})
afterAll(() => removeBundle(writer))

/** Lets the writer write and kills it at a random moment. Gives the numbers that were acknowledged. */
async function killed(home: string, { afterOpening }: { afterOpening: boolean }): Promise<number[]> {
  const child = spawn(process.execPath, [writer, home], { stdio: ['ignore', 'pipe', 'inherit'] })
  const output = text(child.stdout)
  if (afterOpening) await once(child.stdout, 'data')
  await new Promise((wait) => {
    setTimeout(wait, Math.random() * (afterOpening ? 60 : 120))
  })
  child.kill('SIGKILL')
  const lines = (await output).split('\n').slice(0, -1)
  expect(lines.filter((line) => line.startsWith('failed'))).toEqual([])
  return lines.filter((line) => line !== 'opened').map(Number)
}

/** What a new bridge finds in the vault. */
async function found(home: string): Promise<number> {
  const file = join(home, 'vault.sealed')
  const vault = await openVault({ file, keyStore: fileKeyStore(home), log: recordingLog() })
  expect(await listSetAside(file)).toEqual([])
  expect(new Set(await readdir(home))).toEqual(new Set(['vault.sealed', 'vault.key']))
  const one = vault.read(counters, 'one')?.n ?? 0
  expect(vault.read(counters, 'two')?.n ?? 0).toBe(one)
  return one
}

describe('a bridge that is killed while it writes', () => {
  it(
    `leaves the last acknowledged write or the one after it, whole, in each of ${RUNS} runs`,
    { timeout: 240_000 },
    async () => {
      let writes = 0
      async function series(runs: number): Promise<void> {
        const home = await temporaryFolder()
        let last = 0
        for (let run = 0; run < runs; run += 1) {
          const acknowledged = await killed(home, { afterOpening: true })
          writes += acknowledged.length
          last = acknowledged.at(-1) ?? last
          const present = await found(home)
          expect([last, last + 1]).toContain(present)
          last = present
        }
      }
      await Promise.all(Array.from({ length: AT_ONCE }, () => series(RUNS / AT_ONCE)))
      expect(writes).toBeGreaterThan(RUNS)
    },
  )

  it('leaves a vault that opens when it was killed at its very beginning', { timeout: 240_000 }, async () => {
    async function series(): Promise<void> {
      for (let run = 0; run < 20; run += 1) {
        const home = await temporaryFolder()
        const last = (await killed(home, { afterOpening: false })).at(-1) ?? 0
        expect([last, last + 1]).toContain(await found(home))
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, series))
  })
})
