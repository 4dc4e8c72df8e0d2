import { fileURLToPath } from 'node:url'
import { BridgeError, consequences, errors, toFailure } from '../shared/errors.ts'
import type { StartEvent } from '../shared/events.ts'
import type { Settings } from '../shared/settings.ts'
import { createBridge } from './bridge.ts'
import { systemBrowser } from './browser.ts'
import { listenAlone, type ControlSocket } from './control/one-bridge.ts'
import { serveControl } from './control/server.ts'
import { describeThrown, openLog, type LogFile } from './log.ts'
import { ensureHome, systemPaths, type Paths } from './paths.ts'
import { environmentPort, settingsFile, type SettingsFile } from './settings-file.ts'
import { systemClock } from './system-clock.ts'
import { chooseKeyStore } from './vault/key-store.ts'
import { openVault } from './vault/vault.ts'

/** How long a crashed bridge may take to end in order, in milliseconds. */
const CRASH_LIMIT = 3000

/** How a bridge is run. */
export interface RunOptions {
  /** Overrides the setting and BRIDGEKEEPER_PORT; 0 takes any port. */
  readonly port?: number | undefined
  readonly env: NodeJS.ProcessEnv
  /** Gets the one line that says how the start ended. */
  readonly print: (event: StartEvent) => void
}

/**
 * Runs the bridge until it is told to stop, by a face or a signal, and resolves with the exit code. Where one runs already it says so
 * and resolves with 0. Never rejects: a failed start is printed.
 */
export async function runBridge(options: RunOptions): Promise<number> {
  const { env, print } = options
  let log: LogFile | undefined
  const crash = watchForCrash((thrown) => log?.error('nobody caught this', describeThrown(thrown)))
  try {
    const paths = systemPaths(env)
    ensureHome(paths)
    const place = await listenAlone(paths)
    if ('already' in place) {
      const { url, keyStore, pid } = place.already
      print({ event: 'already-running', url, keyStore, pid })
      return 0
    }
    try {
      const file = settingsFile(paths.settings)
      const settings = await file.read()
      log = openLog({ file: paths.logFile, level: settings.logLevel })
      await serve({ ...options, paths, file, settings, log, socket: place.alone, crashed: crash.promise })
      return 0
    } finally {
      await place.alone.close()
    }
  } catch (thrown) {
    const { code, detail } = toFailure(thrown)
    log?.error('the bridge ended with a failure', { code, ...describeThrown(thrown) })
    print({ event: 'failed', code, ...(detail === undefined ? {} : { detail }) })
    return consequences[errors[code].fixer].exit
  } finally {
    await log?.close()
    crash.release()
  }
}

interface Served extends RunOptions {
  readonly paths: Paths
  readonly file: SettingsFile
  readonly settings: Settings
  readonly log: LogFile
  readonly socket: ControlSocket
  /** Rejects when the bridge must end because of a mistake of ours. */
  readonly crashed: Promise<never>
}

async function serve({
  port,
  env,
  print,
  paths,
  file,
  log,
  socket,
  crashed,
  ...given
}: Served): Promise<void> {
  let { settings } = given
  const keyStore = chooseKeyStore({
    setting: settings.keyStore,
    home: paths.home,
    keyFile: paths.keyFile,
    env,
    keychainChild: fileURLToPath(new URL('keychain-child.js', bundle)),
    log,
  })
  const vault = await openVault({ file: paths.vault, keyStore, log, clock: systemClock })
  const stopped = stopSignal()
  const bridge = createBridge({
    paths,
    vault,
    log,
    clock: systemClock,
    browser: {
      open: (url) =>
        systemBrowser({ command: env['BROWSER'] || settings.browser, platform: process.platform, env }).open(
          url,
        ),
    },
    settings: {
      current: () => settings,
      async set(key, value) {
        settings = await file.set(key, value)
        log.setLevel(settings.logLevel)
        return settings
      },
    },
    shim: fileURLToPath(new URL('stdio.cjs', bundle)),
    page: fileURLToPath(new URL('page/', bundle)),
    stop: stopped.stop,
  })
  try {
    const url = await bridge.listen(port ?? environmentPort(env) ?? settings.port)
    serveControl({ socket, handlers: bridge.handlers, log })
    log.info('the bridge is ready', { url, keyStore: vault.keyStore })
    print({ event: 'ready', url, keyStore: vault.keyStore })
    await Promise.race([stopped.promise, crashed])
    log.info('the bridge ends')
  } finally {
    stopped.release()
    await bridge.close()
  }
}

/** Where the built files are: this module is bundled beside them. */
const bundle = new URL(import.meta.url.includes('/chunks/') ? '../' : './', import.meta.url)

function stopSignal(): { promise: Promise<void>; stop: () => void; release: () => void } {
  let stop!: () => void
  const promise = new Promise<void>((resolve) => (stop = resolve))
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const signal of signals) process.on(signal, stop)
  const release = (): void => {
    for (const signal of signals) process.off(signal, stop)
  }
  return { promise, stop, release }
}

/**
 * Turns what nobody caught into an end in order, within a time limit; `promise` rejects with `bridge.internal`. Node's own way would
 * print the error whole, and in the text of an error may be a token.
 */
function watchForCrash(note: (thrown: unknown) => void): { promise: Promise<never>; release: () => void } {
  let fail!: (reason: BridgeError) => void
  const promise = new Promise<never>((_, reject) => (fail = reject))
  promise.catch(() => undefined)
  const onUncaught = (thrown: unknown): void => {
    setTimeout(() => process.exit(consequences.bug.exit), CRASH_LIMIT).unref()
    note(thrown)
    fail(new BridgeError('bridge.internal'))
  }
  // Rejections that nobody handles arrive here as well.
  process.on('uncaughtException', onUncaught)
  return { promise, release: () => process.off('uncaughtException', onUncaught) }
}
