import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createBridge, type Bridge } from '../../bridge/bridge.ts'
import type { ControlHandlers } from '../../bridge/control/handlers.ts'
import { bridgePaths } from '../../bridge/paths.ts'
import type { Browser, Clock, Log } from '../../bridge/ports.ts'
import { systemClock } from '../../bridge/system-clock.ts'
import { chooseKeyStore } from '../../bridge/vault/key-store.ts'
import { openVault, type OpenVault } from '../../bridge/vault/vault.ts'
import type { Receipt } from '../../shared/connection.ts'
import type { AddConnection } from '../../shared/control.ts'
import type { BridgeEvent, SignInEvent } from '../../shared/events.ts'
import { Settings } from '../../shared/settings.ts'
import { approve, createBrowserPort } from './browser.ts'
import { createTemporaryHome, type TemporaryHome } from './temporary-home.ts'

export interface BridgeUnderTestOptions {
  /** By default the person allows everything. */
  readonly browser?: Browser
  readonly settings?: Partial<Settings>
  readonly clock?: Clock
  /** A home that another bridge left behind. */
  readonly home?: TemporaryHome
  /** Gets every line beside `logged`. */
  readonly log?: Log
}

/** A whole bridge in this process, on a port and in a home of its own. Only the machine around it is stood in for. */
export interface BridgeUnderTest {
  readonly bridge: Bridge
  readonly control: ControlHandlers
  readonly vault: OpenVault
  readonly home: TemporaryHome
  readonly origin: string
  readonly events: BridgeEvent[]
  /** Every line the bridge logged, as JSON. */
  readonly logged: string[]
  add(url: string | URL, wish?: Partial<AddConnection>): Promise<string>
  /** Runs a sign-in to its end and gives its events. */
  signIn(id: string, scopes?: string[]): Promise<SignInEvent[]>
  /** Adds, signs in and gives the id; throws when it did not work. */
  connect(url: string | URL, wish?: Partial<AddConnection>): Promise<string>
  endpoint(id: string, client?: string): Promise<string>
  revoke(id: string): Promise<Receipt>
  /** Resolves with the first event, past or coming, that fits. */
  seen<E extends BridgeEvent['event']>(event: E): Promise<Extract<BridgeEvent, { event: E }>>
  /** Ends the bridge and keeps its home, for another one to start in. */
  stop(): Promise<void>
  close(): Promise<void>
}

/** Starts a bridge in this process. */
export async function startBridge(options: BridgeUnderTestOptions = {}): Promise<BridgeUnderTest> {
  const home = options.home ?? (await createTemporaryHome())
  const clock = options.clock ?? systemClock
  const logged: string[] = []
  const note =
    (level: keyof Log) =>
    (message: string, fields: Record<string, unknown> = {}): void => {
      logged.push(JSON.stringify({ level, message, ...fields }))
      options.log?.[level](message, fields)
    }
  const log: Log = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') }
  const paths = bridgePaths({
    platform: process.platform,
    userHome: home.folder,
    user: 'test',
    home: home.bridge,
  })
  const keyStore = chooseKeyStore({
    setting: 'key-file',
    home: paths.home,
    keyFile: paths.keyFile,
    env: {},
    keychainChild: join(home.folder, 'no-keychain'),
    log,
  })
  const vault = await openVault({ file: paths.vault, keyStore, log })
  let settings = Settings.parse({ ...options.settings })
  const bridge = createBridge({
    paths,
    vault,
    clock,
    log,
    browser: options.browser ?? createBrowserPort((url) => approve(url)),
    settings: {
      current: () => settings,
      set(key, value) {
        settings = Settings.parse({ ...settings, [key]: JSON.parse(value) as unknown })
        return Promise.resolve(settings)
      },
    },
    shim: join(home.folder, 'stdio.cjs'),
    page: fileURLToPath(new URL('../../dist/page/', import.meta.url)),
    stop: () => undefined,
  })
  const origin = await bridge.listen(0)
  const control = bridge.handlers

  const events: BridgeEvent[] = []
  const listeners = new Set<(event: BridgeEvent) => void>()
  const ended = new AbortController()
  const listening = (async () => {
    for await (const occurred of control.events({}, ended.signal)) {
      const event = occurred as BridgeEvent
      events.push(event)
      for (const listener of listeners) listener(event)
    }
  })()
  const signal = ended.signal

  const signIn: BridgeUnderTest['signIn'] = async (id, scopes) => {
    const seen: SignInEvent[] = []
    const input = { id: id as never, openBrowser: true, ...(scopes ? { scopes } : {}) }
    for await (const event of control.connections.signIn(input, signal)) seen.push(event as SignInEvent)
    return seen
  }
  const add: BridgeUnderTest['add'] = async (url, wish = {}) => {
    const { connection } = await control.connections.add({ url: String(url), ...wish }, signal)
    return connection.id
  }
  const stop = async (): Promise<void> => {
    ended.abort()
    await listening
    await bridge.close()
  }
  return {
    bridge,
    control,
    vault,
    home,
    origin,
    events,
    logged,
    add,
    signIn,
    async connect(url, wish) {
      const id = await add(url, wish)
      const last = (await signIn(id)).at(-1)
      if (last?.event !== 'connected') throw new Error(`the sign-in ended with ${JSON.stringify(last)}`)
      return id
    },
    async endpoint(id, client = 'test-client') {
      return (await control.connections.endpoint({ id: id as never, client }, signal)).url
    },
    revoke: async (id) => (await control.connections.revoke({ id: id as never }, signal)) as Receipt,
    seen(event) {
      return new Promise((resolve) => {
        const look = (candidate: BridgeEvent): void => {
          if (candidate.event !== event) return
          listeners.delete(look)
          resolve(candidate as never)
        }
        listeners.add(look)
        events.forEach(look)
      })
    },
    stop,
    async close() {
      await stop()
      await home.remove()
    },
  }
}
