import { mkdir, readFile, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { openVault } from '../../../bridge/vault/vault.ts'
import type { OpenVault } from '../../../bridge/vault/vault.ts'
import type { RecordKind } from '../../../bridge/vault/record.ts'
import {
  counters,
  fileKeyStore,
  notes,
  recordingLog,
  rejection,
  temporaryFolder,
} from './support/surroundings.ts'

async function fresh(): Promise<{ home: string; file: string; open: () => Promise<OpenVault> }> {
  const home = join(await temporaryFolder(), 'home')
  const file = join(home, 'vault.sealed')
  return { home, file, open: () => openVault({ file, keyStore: fileKeyStore(home), log: recordingLog() }) }
}

function idsIn(file: string): string[] {
  return (JSON.parse(file) as { records: { id: string }[] }).records.map(({ id }) => id)
}

describe('the vault', () => {
  it('gives back what was written, also after it was opened again', async () => {
    const { open } = await fresh()
    const vault = await open()
    await vault.write({ kind: notes, id: 'one', value: { token: 'abc' } })
    await vault.write({ kind: notes, id: 'two', value: [1, 2] }, { kind: counters, id: 'one', value: 7 })
    for (const one of [vault, await open()]) {
      expect(one.read(notes, 'one')).toEqual({ token: 'abc' })
      expect(one.read(notes, 'two')).toEqual([1, 2])
      expect(one.read(counters, 'one')).toBe(7)
      expect(one.read(notes, 'three')).toBeUndefined()
      expect(new Set(one.ids(notes))).toEqual(new Set(['one', 'two']))
      expect(one.ids(counters)).toEqual(['one'])
      expect(one.keyStore).toBe('key-file')
    }
  })

  it('deletes, and overwrites, for good', async () => {
    const { open } = await fresh()
    const vault = await open()
    await vault.write({ kind: notes, id: 'a', value: 1 }, { kind: notes, id: 'b', value: 1 })
    await vault.write({ kind: notes, id: 'a', value: undefined }, { kind: notes, id: 'b', value: 2 })
    await vault.write({ kind: notes, id: 'never there', value: undefined })
    const again = await open()
    expect(again.ids(notes)).toEqual(['b'])
    expect(again.read(notes, 'b')).toBe(2)
  })

  it('keeps ids apart whatever characters they have', async () => {
    const { open } = await fresh()
    const slashed: RecordKind<unknown> = { ...notes, name: 'note/a' }
    const vault = await open()
    await vault.write({ kind: slashed, id: 'b', value: 1 }, { kind: notes, id: 'a/b', value: 2 })
    const again = await open()
    expect([again.read(slashed, 'b'), again.read(notes, 'a/b')]).toEqual([1, 2])
  })

  it('is a file that nobody else can read, in a folder that nobody else can enter', async () => {
    const { home, file, open } = await fresh()
    const vault = await open()
    await vault.write({ kind: notes, id: 'a', value: 1 })
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect((await stat(home)).mode & 0o777).toBe(0o700)
  })

  it('holds what was given at the time of the write, not what became of it', async () => {
    const { open } = await fresh()
    const vault = await open()
    const value = { scopes: ['read'] }
    const written = vault.write({ kind: notes, id: 'a', value })
    value.scopes.push('write')
    await written
    ;(vault.read(notes, 'a') as typeof value).scopes.push('admin')
    expect(vault.read(notes, 'a')).toEqual({ scopes: ['read'] })
  })

  it('refuses a value that is no JSON, and goes on', async () => {
    const { open } = await fresh()
    const vault = await open()
    const change = { kind: notes, id: 'a', value: () => 1 }
    expect(await rejection(vault.write(change))).toBeInstanceOf(TypeError)
    expect(await rejection(vault.write({ ...change, value: 1n }))).toBeInstanceOf(TypeError)
    await vault.write({ kind: notes, id: 'a', value: 1 })
    expect((await open()).ids(notes)).toEqual(['a'])
  })

  it('shows neither key nor values when it is printed', async () => {
    const { open } = await fresh()
    const vault = await open()
    await vault.write({ kind: notes, id: 'a', value: 'planted-value' })
    for (const text of [inspect(vault, { depth: 20, showHidden: true }), JSON.stringify(vault)]) {
      expect(text).not.toContain('planted-value')
    }
  })
})

describe('a record of another version', () => {
  const first: RecordKind<{ name: string }> = {
    name: 'person',
    version: 1,
    parse: (value) => value as { name: string },
  }
  const second: RecordKind<{ names: string[] }> = {
    name: 'person',
    version: 2,
    parse: (value, version) =>
      version === 1 ? { names: [(value as { name: string }).name] } : (value as { names: string[] }),
  }

  it('is given to the reader with the version it was written in', async () => {
    const { open } = await fresh()
    const vault = await open()
    await vault.write({ kind: first, id: 'a', value: { name: 'Ada' } })
    const again = await open()
    expect(again.read(second, 'a')).toEqual({ names: ['Ada'] })
    await again.write({ kind: second, id: 'a', value: { names: ['Ada', 'Byron'] } })
    expect((await open()).read(second, 'a')).toEqual({ names: ['Ada', 'Byron'] })
  })

  it('is refused by an older reader and stays in the vault', async () => {
    const { open } = await fresh()
    const vault = await open()
    await vault.write({ kind: second, id: 'a', value: { names: ['Ada'] } })
    expect(() => vault.read(first, 'a')).toThrow(expect.objectContaining({ code: 'vault.record_invalid' }))
    await vault.write({ kind: notes, id: 'b', value: 1 })
    expect((await open()).read(second, 'a')).toEqual({ names: ['Ada'] })
  })

  it('that cannot be parsed is refused without a word of its value', async () => {
    const { open } = await fresh()
    const vault = await open()
    await vault.write({ kind: { ...notes, name: 'counter' }, id: 'a', value: 'planted-value' })
    const strict = { ...counters, parse: (value: unknown) => Number(BigInt(value as string)) }
    for (const kind of [counters, strict]) {
      let thrown: unknown
      try {
        vault.read(kind, 'a')
      } catch (error) {
        thrown = error
      }
      expect(thrown).toMatchObject({ code: 'vault.record_invalid', detail: 'counter/a' })
      expect(inspect(thrown, { depth: 9, showHidden: true })).not.toContain('planted-value')
    }
  })
})

describe('writes made at the same time', () => {
  it('share one replacement: when the first is done, all are in the file', async () => {
    const { file, open } = await fresh()
    const vault = await open()
    const writes = Array.from({ length: 500 }, (_, n) =>
      vault.write({ kind: counters, id: `${n}`, value: n }),
    )
    await writes[0]
    expect(idsIn(await readFile(file, 'utf8'))).toHaveLength(500)
    await Promise.all(writes)
    expect((await open()).ids(counters)).toHaveLength(500)
  })

  it('share the next replacement while one is under way', async () => {
    const { file, open } = await fresh()
    const vault = await open()
    const first = vault.write({ kind: counters, id: 'first', value: 1 })
    // Long enough for the first replacement to begin, too short for it to end.
    await Promise.resolve()
    await Promise.resolve()
    const writes = Array.from({ length: 500 }, (_, n) =>
      vault.write({ kind: counters, id: `${n}`, value: n }),
    )
    await first
    await writes[0]
    expect(idsIn(await readFile(file, 'utf8'))).toHaveLength(501)
    await Promise.all(writes)
  })

  it('are each in the file when they resolve', async () => {
    const { file, open } = await fresh()
    const vault = await open()
    const found = Array.from({ length: 40 }, async (_, n) => {
      for (let turn = 0; turn < n; turn += 1) await new Promise(setImmediate)
      await vault.write({ kind: counters, id: `${n}`, value: n })
      return idsIn(await readFile(file, 'utf8')).includes(`${n}`)
    })
    expect(await Promise.all(found)).toEqual(found.map(() => true))
  })

  it('take effect in the order they were made', async () => {
    const { open } = await fresh()
    const vault = await open()
    const seen: unknown[] = []
    const writes = Array.from({ length: 50 }, async (_, n) => {
      if (n % 7 === 0) await Promise.resolve()
      await vault.write({ kind: counters, id: 'a', value: n % 7 === 0 ? 100 + n : n })
      seen.push(vault.read(counters, 'a'))
    })
    await Promise.all(writes)
    expect((await open()).read(counters, 'a')).toBe(vault.read(counters, 'a'))
    expect(vault.read(counters, 'a')).toBe(149)
    expect(seen).toHaveLength(50)
  })

  it('are not to be read before they are durable', async () => {
    const { file, open } = await fresh()
    const vault = await open()
    await vault.write({ kind: counters, id: 'a', value: 1 })
    const before = await readFile(file)
    const write = vault.write({ kind: counters, id: 'a', value: 2 })
    while (vault.read(counters, 'a') === 1) await new Promise(setImmediate)
    expect(await readFile(file)).not.toEqual(before)
    await write
  })

  it('are all settled when the vault is closed, and later ones are refused', async () => {
    const { open } = await fresh()
    const vault = await open()
    const writes = Array.from({ length: 20 }, (_, n) => vault.write({ kind: counters, id: `${n}`, value: n }))
    await vault.close()
    expect((await open()).ids(counters)).toHaveLength(20)
    await Promise.all(writes)
    const late = rejection(vault.write({ kind: counters, id: 'late', value: 1 }))
    expect(await late).toMatchObject({ code: 'bridge.busy' })
  })
})

describe('a write that fails', () => {
  it('rejects, changes nothing in memory, leaves no file behind, and later writes work', async () => {
    const { home, open } = await fresh()
    const vault = await open()
    await vault.write({ kind: notes, id: 'a', value: 'old' })
    await rename(home, `${home}-away`)
    const change = { kind: notes, id: 'a', value: 'new' }
    const both = await Promise.all([
      rejection(vault.write(change)),
      rejection(vault.write({ kind: notes, id: 'b', value: 'also' })),
    ])
    for (const error of both) expect(error).toMatchObject({ code: 'vault.write_failed' })
    expect(vault.read(notes, 'a')).toBe('old')
    expect(vault.ids(notes)).toEqual(['a'])
    await rename(`${home}-away`, home)
    expect((await open()).read(notes, 'a')).toBe('old')
    await vault.write(change)
    expect((await open()).read(notes, 'a')).toBe('new')
    expect(new Set(await readdir(home))).toEqual(new Set(['vault.sealed', 'vault.key']))
  })

  it('leaves no temporary file where the file cannot be replaced', async () => {
    const { home, file, open } = await fresh()
    const vault = await open()
    await rm(file)
    await mkdir(file)
    const failed = rejection(vault.write({ kind: notes, id: 'a', value: 1 }))
    expect(await failed).toMatchObject({ code: 'vault.write_failed', detail: 'it is a folder' })
    expect(new Set(await readdir(home))).toEqual(new Set(['vault.sealed', 'vault.key']))
  })

  it('names no path', async () => {
    const { home, open } = await fresh()
    const vault = await open()
    await rename(home, `${home}-away`)
    const error = await rejection(vault.write({ kind: notes, id: 'a', value: 1 }))
    expect(inspect(error, { showHidden: true }).replace(/\n\s+at .*/g, '')).not.toContain(home)
  })
})
