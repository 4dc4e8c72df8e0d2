import { fileURLToPath } from 'node:url'
import { _electron } from '@playwright/test'
import type { Answer, Recorder } from './recorder.ts'
import { root, untilOf, type TrayApp, type TrayAppOptions } from './tray-app.ts'

const recorder = fileURLToPath(new URL('./recorder.cjs', import.meta.url))
const preparation = fileURLToPath(new URL('./record-electron.cjs', import.meta.url))

/** Runs the built main bundle in Electron itself; the recorder is loaded before it. */
export async function startOnElectron({ home, args = [] }: TrayAppOptions, binary: string): Promise<TrayApp> {
  const app = await _electron.launch({
    executablePath: binary,
    args: ['-r', preparation, root, ...args],
    env: {
      ...home.env,
      ...Object.fromEntries(
        ['DISPLAY', 'WAYLAND_DISPLAY', 'XDG_RUNTIME_DIR', 'XAUTHORITY'].flatMap((name) =>
          process.env[name] ? [[name, process.env[name]]] : [],
        ),
      ),
      BRIDGEKEEPER_TEST_RECORDER: recorder,
    },
  })
  const child = app.process()
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)))
  const ask: TrayApp['ask'] = async (name, ...given) =>
    (await app.evaluate(
      (_, [ask, values]) => {
        const { bridgekeeperRecorder } = globalThis as unknown as { bridgekeeperRecorder: Recorder }
        return Reflect.apply(bridgekeeperRecorder[ask], bridgekeeperRecorder, values) as unknown
      },
      [name, given] as const,
    )) as Answer<typeof name>
  return {
    runsOn: 'Electron',
    pid: child.pid ?? 0,
    exited,
    ask,
    until: untilOf(ask),
    window: () => app.firstWindow(),
    async close() {
      await app.close()
      await exited
    },
  }
}
