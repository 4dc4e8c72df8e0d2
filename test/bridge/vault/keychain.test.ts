import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, readdir, rename, stat, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { KeyStoreOptions } from '../../../bridge/vault/key-store.ts'
import { listSetAside } from '../../../bridge/vault/set-aside.ts'
import { openVault } from '../../../bridge/vault/vault.ts'
import type { OpenVault } from '../../../bridge/vault/vault.ts'
import type { Session } from './support/keychains.ts'
import { noRealKeychain, onItem, standInChild, startKeyring, startSession } from './support/keychains.ts'
import {
  bundle,
  fileKeyStore,
  notes,
  recordingLog,
  rejection,
  removeBundle,
  temporaryFolder,
} from './support/surroundings.ts'

let keychainChild: string
beforeAll(async () => {
  const entry = resolve(import.meta.dirname, '../../../bridge/vault/keychain-child.ts')
  keychainChild = await bundle(entry, { inProject: true })
})
afterAll(() => removeBundle(keychainChild))

function open(home: string, options: Partial<KeyStoreOptions>): Promise<OpenVault> {
  const keyStore = fileKeyStore(home, { setting: 'keychain', keychainChild, platform: 'linux', ...options })
  return openVault({ file: join(home, 'vault.sealed'), keyStore, log: recordingLog() })
}

const whySkipped = noRealKeychain ? ` (skipped: ${noRealKeychain})` : ''

async function accountIn(home: string): Promise<string> {
  const file = JSON.parse(await readFile(join(home, 'vault.sealed'), 'utf8')) as { key: { account: string } }
  return file.key.account
}

describe.skipIf(noRealKeychain)(`the keychain, for real${whySkipped}`, () => {
  it('keeps the key, and the vault opens with it at the next start', async () => {
    const session = await startSession()
    const stop = await startKeyring(session, { unlocked: true })
    const home = await temporaryFolder()
    const vault = await open(home, { setting: 'auto', env: session.env })
    expect(vault.keyStore).toBe('keychain')
    await vault.write({ kind: notes, id: 'a', value: 'kept' })

    await stop()
    await startKeyring(session, { unlocked: true })
    expect((await open(home, { setting: 'auto', env: session.env })).read(notes, 'a')).toBe('kept')
    expect(await readdir(home)).toEqual(['vault.sealed'])
    const item = await onItem(session, await accountIn(home), 'entry.getPassword()')
    expect(Buffer.from(item as string, 'base64')).toHaveLength(32)
  })

  it('has an item for each home, which a home that was moved takes along', async () => {
    const session = await startSession()
    await startKeyring(session, { unlocked: true })
    const folder = await temporaryFolder()
    for (const name of ['one', 'two']) {
      const vault = await open(join(folder, name), { env: session.env })
      await vault.write({ kind: notes, id: 'a', value: name })
    }
    expect(await accountIn(join(folder, 'one'))).not.toBe(await accountIn(join(folder, 'two')))
    await rename(join(folder, 'one'), join(folder, 'moved'))
    expect((await open(join(folder, 'moved'), { env: session.env })).read(notes, 'a')).toBe('one')
  })

  it('gives the key again to the vault that follows one that was set aside', async () => {
    const session = await startSession()
    await startKeyring(session, { unlocked: true })
    const home = await temporaryFolder()
    await open(home, { env: session.env })
    const account = await accountIn(home)
    const item = await onItem(session, account, 'entry.getPassword()')
    await writeFile(join(home, 'vault.sealed'), 'torn')
    expect(await rejection(open(home, { env: session.env }))).toMatchObject({ code: 'vault.torn' })
    await open(home, { env: session.env })
    expect(await accountIn(home)).toBe(account)
    expect(await onItem(session, account, 'entry.getPassword()')).toBe(item)
  })

  it('that lost the key is not given a new one: the vault is set aside', async () => {
    const session = await startSession()
    await startKeyring(session, { unlocked: true })
    const home = await temporaryFolder()
    await open(home, { env: session.env })
    const account = await accountIn(home)
    await onItem(session, account, 'entry.deletePassword()')
    expect(await rejection(open(home, { env: session.env }))).toMatchObject({ code: 'vault.wrong_key' })
    expect(await onItem(session, account, 'entry.getPassword()')).toBeNull()
    expect(await listSetAside(join(home, 'vault.sealed'))).toMatchObject([{ reason: 'wrong-key' }])
  })

  it('that holds something else in our place is neither overwritten nor believed', async () => {
    const session = await startSession()
    await startKeyring(session, { unlocked: true })
    const home = await temporaryFolder()
    await open(home, { env: session.env })
    const account = await accountIn(home)
    await onItem(session, account, `entry.setPassword('planted-item')`)
    const error = await rejection(open(home, { env: session.env }))
    expect(error).toMatchObject({ code: 'keystore.unavailable' })
    expect(inspect(error)).not.toContain('planted-item')
    expect(await onItem(session, account, 'entry.getPassword()')).toBe('planted-item')
    expect(await readdir(home)).toEqual(['vault.sealed'])
  })

  it('that is locked ends in an error, never in a key file, and moves nothing', async () => {
    const session = await startSession()
    const stop = await startKeyring(session, { unlocked: true })
    const home = await temporaryFolder()
    await open(home, { env: session.env })
    await stop()
    await startKeyring(session, { unlocked: false })
    for (const setting of ['auto', 'keychain', 'key-file'] as const) {
      expect(await rejection(open(home, { setting, env: session.env }))).toMatchObject({
        code: 'keystore.locked',
      })
    }
    expect(await readdir(home)).toEqual(['vault.sealed'])
    const fresh = await temporaryFolder()
    const begun = rejection(open(fresh, { setting: 'auto', env: session.env }))
    expect(await begun).toMatchObject({ code: 'keystore.locked' })
    expect(await readdir(fresh)).toEqual([])
  })

  it('whose service hangs ends in keystore.locked at the time limit, and no process stays', async () => {
    const session = await startSession('org.freedesktop.secrets')
    const home = await temporaryFolder()
    const opened = open(home, { setting: 'auto', env: session.env, keychainTimeoutMs: 1000 })
    expect(await rejection(opened)).toMatchObject({
      code: 'keystore.locked',
      detail: 'no answer within 1 seconds',
    })
    await untilNoProcessOf(keychainChild)
    expect(await readdir(home)).toEqual([])
  })

  it('whose prompt nobody answers ends in keystore.locked at the time limit, and no process stays', async () => {
    const { home, session } = await promptingKeyring()
    const opened = open(home, { setting: 'auto', env: session.env, keychainTimeoutMs: 1000 })
    expect(await rejection(opened)).toMatchObject({
      code: 'keystore.locked',
      detail: 'no answer within 1 seconds',
    })
    await untilNoProcessOf(keychainChild)
    expect(await readdir(home)).toEqual(['vault.sealed'])
  })

  it('keeps no process waiting for a prompt when the bridge is gone', async () => {
    const { home, session } = await promptingKeyring()
    const child = spawn(process.execPath, [keychainChild], {
      env: session.env,
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    const ended = once(child, 'exit')
    child.send({ service: 'bridgekeeper', account: await accountIn(home) })
    while (!(await readdir(session.folder)).includes('asked')) await new Promise(setImmediate)
    child.disconnect()
    await ended
    expect(child.signalCode).toBe('SIGKILL')
  })

  it('is not there on a session without one: auto takes a key file, an explicit keychain fails', async () => {
    const session = await startSession()
    const home = await temporaryFolder()
    expect(await rejection(open(home, { env: session.env }))).toMatchObject({
      code: 'keystore.unavailable',
      detail: 'no service for secrets answers',
    })
    expect((await open(home, { setting: 'auto', env: session.env })).keyStore).toBe('key-file')
  })

  it('takes over a vault from a key file, and gives it back, when the settings say so', async () => {
    const session = await startSession()
    await startKeyring(session, { unlocked: true })
    const home = await temporaryFolder()
    const vault = await open(home, { setting: 'key-file' })
    await vault.write({ kind: notes, id: 'a', value: 'kept' })
    const kinds: string[] = []
    for (const setting of ['keychain', 'auto', 'key-file', 'auto'] as const) {
      const again = await open(home, { setting, env: session.env })
      expect(again.read(notes, 'a')).toBe('kept')
      kinds.push(again.keyStore)
    }
    expect(kinds).toEqual(['keychain', 'keychain', 'key-file', 'key-file'])
  })
})

describe('the process that asks the keychain', () => {
  const bus = process.platform === 'linux' ? { DBUS_SESSION_BUS_ADDRESS: 'unix:abstract=/nowhere' } : {}

  it('gets the key over its pipe, never by argument or environment, and no secret of the bridge', async () => {
    const folder = await temporaryFolder()
    const seen = join(folder, 'seen.json')
    const child = await standInChild(`
      const { writeFileSync } = await import('node:fs')
      const { argv, execArgv, env } = process
      writeFileSync(${JSON.stringify(seen)}, JSON.stringify({ argv, execArgv, env, request }))
      process.send({ item: request.candidate })`)
    const env = { ...bus, BRIDGEKEEPER_PASSPHRASE: 'planted-passphrase', NODE_OPTIONS: '--no-warnings' }
    const home = join(folder, 'home')
    await open(home, { keychainChild: child, env })
    const { request, ...outside } = JSON.parse(await readFile(seen, 'utf8')) as {
      request: { service: string; account: string; candidate: string }
      env: NodeJS.ProcessEnv
      execArgv: string[]
    }
    expect(Buffer.from(request.candidate, 'base64')).toHaveLength(32)
    expect(request.account).toMatch(/^vault-key-[0-9a-f]{16}$/)
    expect(request.service).toBe('bridgekeeper')
    expect(JSON.stringify(outside)).not.toContain(request.candidate)
    expect(JSON.stringify(outside)).not.toContain('planted-passphrase')
    expect(outside.env).toMatchObject({ ELECTRON_RUN_AS_NODE: '1' })
    expect(outside.env).not.toHaveProperty('NODE_OPTIONS')
    expect(outside.execArgv).toEqual([])
  })

  it('offers no new key when a vault exists', async () => {
    const folder = await temporaryFolder()
    const seen = join(folder, 'seen.json')
    const first = await standInChild('process.send({ item: request.candidate })')
    const home = join(folder, 'home')
    await open(home, { keychainChild: first, env: bus })
    const second = await standInChild(`
      const { writeFileSync } = await import('node:fs')
      writeFileSync(${JSON.stringify(seen)}, JSON.stringify(request))
      process.send({ item: null })`)
    const opened = open(home, { keychainChild: second, env: bus })
    expect(await rejection(opened)).toMatchObject({ code: 'vault.wrong_key' })
    expect(JSON.parse(await readFile(seen, 'utf8'))).not.toHaveProperty('candidate')
  })

  it.each([
    ['never answers', 'setInterval(() => {}, 1000)'],
    ['never answers and blocks', 'for (;;);'],
    [
      'ignores all signals that can be ignored',
      `process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)`,
    ],
  ])('that %s is killed at the time limit', async (_, body) => {
    const child = await standInChild(body)
    const home = await temporaryFolder()
    const opened = open(home, { setting: 'auto', keychainChild: child, env: bus, keychainTimeoutMs: 500 })
    expect(await rejection(opened)).toMatchObject({ code: 'keystore.locked' })
    await untilNoProcessOf(child)
    expect(await readdir(home)).toEqual([])
  })

  it.each([
    ['crashes', `process.kill(process.pid, 'SIGSEGV')`],
    ['ends without a word', 'process.exit(0)'],
    ['throws', `throw new Error('planted-error')`],
  ])('that %s never leads to a key file', async (_, body) => {
    const child = await standInChild(body)
    const home = await temporaryFolder()
    const opened = open(home, { setting: 'auto', keychainChild: child, env: bus })
    expect(await rejection(opened)).toMatchObject({ code: 'keystore.locked' })
    expect(await readdir(home)).toEqual([])
  })

  it('that cannot be started never leads to a key file', async () => {
    const home = await temporaryFolder()
    const opened = open(home, { setting: 'auto', keychainChild: '/nonexistent/child.js', env: bus })
    expect(await rejection(opened)).toMatchObject({ code: 'keystore.locked' })
    expect(await readdir(home)).toEqual([])
  })

  it('does not stay after it answered', async () => {
    const child = await standInChild(`process.send({ item: request.candidate }); setInterval(() => {}, 1000)`)
    await open(await temporaryFolder(), { keychainChild: child, env: bus })
    await untilNoProcessOf(child)
    expect(await isRunning(child)).toBe(false)
  })

  it('says so when the binding cannot be loaded', async () => {
    const folder = await temporaryFolder()
    const lonely = join(folder, 'keychain-child.mjs')
    await writeFile(lonely, await readFile(keychainChild))
    const binding = join(folder, 'node_modules', '@napi-rs', 'keyring')
    await mkdir(binding, { recursive: true })
    await writeFile(join(binding, 'index.js'), `throw new Error('not for this system')`)
    const home = join(folder, 'home')
    await mkdir(home)
    expect(await rejection(open(home, { keychainChild: lonely, env: bus }))).toMatchObject({
      code: 'keystore.unavailable',
      detail: 'its binding cannot be loaded on this system',
    })
    expect((await open(home, { setting: 'auto', keychainChild: lonely, env: bus })).keyStore).toBe('key-file')
  })

  it('is not started where there is no session bus', async () => {
    const folder = await temporaryFolder()
    const started = join(folder, 'started')
    const child = join(folder, 'child.mjs')
    await writeFile(
      child,
      `import { writeFileSync } from 'node:fs'; writeFileSync(${JSON.stringify(started)}, '')`,
    )
    const env = { DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nonexistent' }
    await open(join(folder, 'home'), { setting: 'auto', keychainChild: child, env })
    await expect(stat(started)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('is one small file without imports but Node and the binding', async () => {
    const code = await readFile(keychainChild, 'utf8')
    expect(code.length).toBeLessThan(5000)
    expect([...code.matchAll(/from\s*["']([^"']+)/g)].map(([, name]) => name)).toEqual(['node:module'])
  })
})

/** A locked keyring that asks a person who is not there, and a home whose key is in it. */
async function promptingKeyring(): Promise<{ home: string; session: Session }> {
  const session = await startSession('org.gnome.keyring.SystemPrompter')
  const stop = await startKeyring(session, { unlocked: true })
  const home = await temporaryFolder()
  await open(home, { env: session.env })
  await stop()
  await startKeyring(session, { unlocked: false })
  return { home, session }
}

/** Waits until no process runs this file; the test's time limit ends it. */
async function untilNoProcessOf(file: string): Promise<void> {
  while (await isRunning(file)) await new Promise(setImmediate)
}

async function isRunning(file: string): Promise<boolean> {
  const ids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name))
  const commands = await Promise.all(ids.map((id) => readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '')))
  return commands.some((command) => command.includes(file))
}
