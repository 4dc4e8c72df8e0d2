import { spawn } from 'node:child_process'
import { createHash, createSecretKey, randomBytes } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { realpath } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { BridgeError } from '../../shared/errors.ts'
import type { SealingKey } from '../ports.ts'
import { sessionBus } from './session-bus.ts'
import type { KeychainAnswer, KeychainRequest } from './keychain-child.ts'
import type { ReferenceTo } from './key-reference.ts'

/** How to ask the keychain. */
export interface KeychainOptions {
  /** The built `keychain-child.js`. */
  readonly child: string
  /** The environment of the bridge; the child gets it without Bridgekeeper's own variables. */
  readonly env: NodeJS.ProcessEnv
  /** How long the keychain may take, in milliseconds; a person may have to unlock it in that time. */
  readonly timeoutMs: number
}

const SERVICE = 'bridgekeeper'
const KEY_BYTES = 32
/** 32 bytes in base64, 44 characters: far below the 2,560 bytes that Windows allows. */
const ITEM = /^[A-Za-z0-9+/]{43}=$/

const REASONS = {
  load: ['keystore.unavailable', 'its binding cannot be loaded on this system'],
  connect: ['keystore.unavailable', 'no service for secrets answers'],
  read: ['keystore.locked', 'it did not give the key'],
  store: ['keystore.locked', 'it did not store a new key'],
} as const

/**
 * The key of a bridge with this home folder, made if the keychain has none for it. Each home folder has an item of its own, by a
 * hash of its path. Rejects like `findKeychainKey`.
 */
export async function createKeychainKey(home: string, options: KeychainOptions): Promise<SealingKey> {
  const account = await accountOf(home)
  const candidate = randomBytes(KEY_BYTES).toString('base64')
  const key = keyIn(await ask({ service: SERVICE, account, candidate }, options))
  if (!key) throw new BridgeError('keystore.locked', REASONS.store[1])
  return { key, reference: { kind: 'keychain', account } }
}

/**
 * The key that a vault's header names; undefined when the keychain has no such item. Nothing is stored.
 *
 * Rejects with `keystore.unavailable` where no keychain is, and with `keystore.locked` when it refuses or does not answer within
 * the time limit. Leaves no process behind.
 */
export async function findKeychainKey(
  reference: ReferenceTo<'keychain'>,
  options: KeychainOptions,
): Promise<KeyObject | undefined> {
  return keyIn(await ask({ service: SERVICE, account: reference.account }, options))
}

async function accountOf(home: string): Promise<string> {
  const path = await realpath(home).catch(() => resolve(home))
  return `vault-key-${createHash('sha256').update(path).digest('hex').slice(0, 16)}`
}

function keyIn(answer: KeychainAnswer): KeyObject | undefined {
  if ('failed' in answer) {
    const [code, detail] = REASONS[answer.failed]
    throw new BridgeError(code, detail)
  }
  if (answer.item === null) return undefined
  // Whatever else stands there is not ours, and neither a reason to overwrite it nor to give the vault up.
  if (!ITEM.test(answer.item)) throw new BridgeError('keystore.unavailable', 'its item is not a key')
  const bytes = Buffer.from(answer.item, 'base64')
  const key = createSecretKey(bytes)
  bytes.fill(0)
  return key
}

/** Starts the child, asks it once over its pipe, and kills it, with or without an answer. */
async function ask(request: KeychainRequest, options: KeychainOptions): Promise<KeychainAnswer> {
  const env = environment(options.env)
  const { child: file, timeoutMs } = options
  const child = spawn(process.execPath, [file], {
    // A deleted working directory of the bridge would keep the child from starting, and the file may be inside of the tray app's archive.
    cwd: dirname(process.execPath),
    env,
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    windowsHide: true,
  })
  let timer: NodeJS.Timeout | undefined
  try {
    return await new Promise<KeychainAnswer>((answered, failed) => {
      timer = setTimeout(() => {
        failed(new BridgeError('keystore.locked', `no answer within ${timeoutMs / 1000} seconds`))
      }, timeoutMs)
      child.once('message', (message) => answered(message as KeychainAnswer))
      // Not "unavailable": that a helper crashed does not show that there is no keychain.
      child.on('error', () => failed(new BridgeError('keystore.locked', 'it could not be asked')))
      child.once('exit', () => failed(new BridgeError('keystore.locked', 'it ended without an answer')))
      child.send(request, (error) => {
        if (error) failed(new BridgeError('keystore.locked', 'it could not be asked'))
      })
    })
  } finally {
    clearTimeout(timer)
    child.kill('SIGKILL')
  }
}

function environment(outer: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ELECTRON_RUN_AS_NODE: '1' }
  for (const [name, value] of Object.entries(outer)) {
    // Not the passphrase; nor options of Node, which may open a debugger port on a process that holds the key.
    if (!/^(?:BRIDGEKEEPER_|NODE_OPTIONS$)/i.test(name)) env[name] = value
  }
  if (process.platform === 'darwin' || process.platform === 'win32') return env
  const address = sessionBus(outer)
  if (address === undefined) throw new BridgeError('keystore.unavailable', 'there is no D-Bus session')
  return { ...env, DBUS_SESSION_BUS_ADDRESS: address }
}
