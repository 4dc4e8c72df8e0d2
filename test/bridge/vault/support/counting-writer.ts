/*
 * A process that opens a vault and counts up in two records of one batch, for ever or for a number of turns. It prints `opened` and
 * `<n>` for each number that the vault acknowledged, or `failed <code> <detail>`, each in a line of its own at once.
 *
 *     node counting-writer.mjs HOME [TURNS] [BYTES OF PADDING]
 */
import { writeSync } from 'node:fs'
import { join } from 'node:path'
import { BridgeError } from '../../../../shared/errors.ts'
import { chooseKeyStore } from '../../../../bridge/vault/key-store.ts'
import type { RecordKind } from '../../../../bridge/vault/record.ts'
import { openVault } from '../../../../bridge/vault/vault.ts'

const [home = '', turns = 'Infinity', padding = '0'] = process.argv.slice(2)
const counters: RecordKind<{ n: number }> = {
  name: 'counter',
  version: 1,
  parse: (value) => value as { n: number },
}
const log = { debug() {}, info() {}, warn() {}, error() {} }

const say = (line: string) => writeSync(1, `${line}\n`)

try {
  const file = join(home, 'vault.sealed')
  const keyFile = join(home, 'vault.key')
  const options = { setting: 'key-file', home, keyFile, env: {}, keychainChild: '', log } as const
  const vault = await openVault({ file, keyStore: chooseKeyStore(options), log })
  say('opened')
  const start = (vault.read(counters, 'one')?.n ?? 0) + 1
  for (let n = start; n < start + Number(turns); n += 1) {
    const value = { n, padding: 'x'.repeat(Number(padding)) }
    try {
      await vault.write({ kind: counters, id: 'one', value }, { kind: counters, id: 'two', value })
      say(`${n}`)
    } catch (error) {
      report(error)
      say(`in memory ${vault.read(counters, 'one')?.n}`)
    }
  }
} catch (error) {
  report(error)
}

function report(error: unknown): void {
  say(error instanceof BridgeError ? `failed ${error.code} ${error.detail}` : `failed ${String(error)}`)
}
