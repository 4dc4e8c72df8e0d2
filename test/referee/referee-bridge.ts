import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { connectControl, type ControlClient } from '../../bridge/control/client.ts'
import { systemPaths } from '../../bridge/paths.ts'
import { StartEvent } from '../../shared/events.ts'
import { createTemporaryHome } from '../support/temporary-home.ts'

/** A bridge in a process and a home of its own, driven as every face drives it. */
export interface RefereeBridge {
  readonly control: ControlClient
  /** The environment of its client apps. */
  readonly env: Readonly<Record<string, string>>
  /** Ends the process and removes its home. */
  close(): Promise<void>
}

/** How long a bridge may take to end by itself, in milliseconds. */
const patienceMs = 5000

/** Starts the built bridge on a free port. `builtBridge` is the path of `dist/bridge.js`. */
export async function startBridge(builtBridge: string): Promise<RefereeBridge> {
  const home = await createTemporaryHome()
  await mkdir(home.bridge, { mode: 0o700 })
  // A key file, so that no machine's keychain is asked.
  const settings = JSON.stringify({ port: 0, keyStore: 'key-file' })
  await writeFile(join(home.bridge, 'settings.json'), settings, { mode: 0o600 })
  const child = spawn(process.execPath, [builtBridge], {
    env: { ...home.env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'close')
  const close = async (): Promise<void> => {
    child.kill()
    const cut = setTimeout(() => child.kill('SIGKILL'), patienceMs)
    await ended
    clearTimeout(cut)
    await home.remove()
  }
  try {
    const firstLine = once(createInterface(child.stdout), 'line')
    const [line] = (await Promise.race([firstLine, ended])) as [unknown]
    if (typeof line !== 'string') throw new Error(`${builtBridge} ended at once; npm run build makes it`)
    const started = StartEvent.parse(JSON.parse(line))
    if (started.event !== 'ready') throw new Error(`the bridge did not start: ${line}`)
    return { control: connectControl(systemPaths(home.env).socket), env: home.env, close }
  } catch (thrown) {
    await close()
    throw thrown
  }
}
