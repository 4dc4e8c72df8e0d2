import { mkdir, mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { inspect } from 'node:util'
import { rolldown } from 'rolldown'
import { onTestFinished } from 'vitest'
import { z } from 'zod'
import type { KeyStore, Log } from '../../../../bridge/ports.ts'
import { chooseKeyStore } from '../../../../bridge/vault/key-store.ts'
import type { KeyStoreOptions } from '../../../../bridge/vault/key-store.ts'
import type { RecordKind } from '../../../../bridge/vault/record.ts'

/** A folder of its own for one test, removed with all in it. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'bridgekeeper-vault-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** A log that remembers all it was told, as text. */
export function recordingLog(): Log & { text(): string } {
  const lines: string[] = []
  const write = (message: string, fields?: Record<string, unknown>) => {
    lines.push(`${message} ${inspect(fields, { depth: 9, showHidden: true })}`)
  }
  return { debug: write, info: write, warn: write, error: write, text: () => lines.join('\n') }
}

/** A key store with a key file in a folder, and nothing of this machine. */
export function fileKeyStore(home: string, options: Partial<KeyStoreOptions> = {}): KeyStore {
  return chooseKeyStore({
    setting: 'key-file',
    home,
    keyFile: join(home, 'vault.key'),
    env: { DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nonexistent' },
    keychainChild: '/nonexistent',
    log: recordingLog(),
    ...options,
  })
}

/** Records that are any JSON. */
export const notes: RecordKind<unknown> = { name: 'note', version: 1, parse: (value) => value }

/** Records that are numbers. */
export const counters: RecordKind<number> = {
  name: 'counter',
  version: 1,
  parse: (value) => z.number().parse(value),
}

/** What a promise is rejected with; fails the test when it is not. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error('it was expected to be rejected')
}

/** The bytes of every file below a folder. */
export async function allBytes(folder: string): Promise<Buffer> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  return Buffer.concat(await Promise.all(files.map((file) => readFile(join(file.parentPath, file.name)))))
}

/**
 * One file of ours and its imports as one JavaScript file, so that a child process starts in a tenth of the time. With `inProject` it
 * lies where the native packages can be found. The caller removes its folder.
 */
export async function bundle(entry: string, { inProject = false } = {}): Promise<string> {
  const project = resolve(import.meta.dirname, '../../../..')
  const parent = inProject ? join(project, 'node_modules', '.cache') : tmpdir()
  await mkdir(parent, { recursive: true })
  const folder = await mkdtemp(join(parent, 'bridgekeeper-bundle-'))
  const build = await rolldown({ input: entry, platform: 'node', external: [/^@napi-rs\/keyring/] })
  const file = join(folder, `${basename(entry, '.ts')}.mjs`)
  await build.write({ file, format: 'esm' })
  await build.close()
  return file
}

/** Removes what `bundle` made. */
export async function removeBundle(file: string): Promise<void> {
  await rm(dirname(file), { recursive: true, force: true })
}
