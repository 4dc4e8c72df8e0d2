import { fileURLToPath } from 'node:url'
import { consequences, errors, toFailure } from '../shared/errors.ts'
import type { StartEvent } from '../shared/events.ts'
import type { Settings } from '../shared/settings.ts'
import { createBridge } from './bridge.ts'
import { systemBrowser } from './browser.ts'
import { listenAlone, type ControlSocket } from './control/one-bridge.ts'
import { serveControl } from './control/server.ts'
import { describeThrown, openLog, type LogFile } from './log.ts'
import { ensureHome, systemPaths, type Paths } from './paths.ts'
import { settingsFile, withEnvironment, type SettingsFile } from './settings-file.ts'
import { systemClock } from './system-clock.ts'
import { chooseKeyStore } from './vault/key-store.ts'
import { openVault } from './vault/vault.ts'

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
      const settings = withEnvironment(await file.read(), env)
      log = openLog({ file: paths.logFile, level: settings.logLevel })
      await serve({ ...options, paths, file, settings, log, socket: place.alone })
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
  }
}

interface Served extends RunOptions {
  readonly paths: Paths
  readonly file: SettingsFile
  readonly settings: Settings
  readonly log: LogFile
  readonly socket: ControlSocket
}

async function serve({ port, env, print, paths, file, log, socket, ...given }: Served): Promise<void> {
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
        settings = withEnvironment(await file.set(key, value), env)
        log.setLevel(settings.logLevel)
        return settings
      },
    },
    shim: fileURLToPath(new URL('stdio.cjs', bundle)),
    stop: stopped.stop,
  })
  try {
    const url = await bridge.listen(port ?? settings.port)
    serveControl({ socket, handlers: bridge.handlers, log })
    log.info('the bridge is ready', { url, keyStore: vault.keyStore })
    print({ event: 'ready', url, keyStore: vault.keyStore })
    await stopped.promise
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
