import { createRequire } from 'node:module'
import type * as Keyring from '@napi-rs/keyring'

/** The one question that the bridge asks this process. */
export interface KeychainRequest {
  readonly service: string
  readonly account: string
  /** Stored when there is no item yet; absent: nothing is ever stored. */
  readonly candidate?: string
}

/** The item of the keychain, null when there is none; or the step that failed. */
export type KeychainAnswer =
  { readonly item: string | null } | { readonly failed: 'load' | 'connect' | 'read' | 'store' }

/*
 * Asks the OS keychain in a process of its own, which the bridge can kill: a keychain that waits for a person holds its caller's
 * threads, and nothing short of SIGKILL ends that. It is loaded at every start of the bridge, so it imports nothing else.
 */
process.once('message', (request: KeychainRequest) => {
  void ask(request).then((answer) => process.send?.(answer))
})
// The bridge is gone: without this, a prompt that nobody answers would keep an orphan for ever.
process.once('disconnect', () => {
  process.kill(process.pid, 'SIGKILL')
})

async function ask({ service, account, candidate }: KeychainRequest): Promise<KeychainAnswer> {
  let failed: 'load' | 'connect' | 'read' | 'store' = 'load'
  try {
    const { AsyncEntry } = createRequire(import.meta.url)('@napi-rs/keyring') as typeof Keyring
    failed = 'connect'
    // Without this option the binding falls back to the kernel's keyring, which forgets everything at a restart.
    const entry = new AsyncEntry(service, account, { linux: { store: 'secret-service' } })
    failed = 'read'
    const item = await entry.getPassword()
    if (item !== null || candidate === undefined) return { item }
    failed = 'store'
    await entry.setPassword(candidate)
    // What was stored, read back: another bridge may have stored its own in the same moment.
    return { item: await entry.getPassword() }
  } catch {
    // Which step failed says all that is needed; the binding's message may show what the item holds.
    return { failed }
  }
}
