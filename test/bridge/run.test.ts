import { existsSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { isListening } from '../../bridge/control/listening.ts'
import { systemPaths } from '../../bridge/paths.ts'
import { startNode, type RunningProcess } from '../support/process.ts'
import { createTemporaryHome, type TemporaryHome } from '../support/temporary-home.ts'

const built = (name: string): string => fileURLToPath(new URL(`../../dist/${name}`, import.meta.url))

/** Makes a process fail on SIGUSR2 in a way that nobody catches, with a secret in everything that an error has. */
const crashing = (how: 'throw error' | 'Promise.reject(error)'): string =>
  `data:text/javascript,${encodeURIComponent(`
    process.on('SIGUSR2', () => setImmediate(() => {
      const { SECRET } = process.env
      const error = Object.assign(new Error(SECRET + '\\n    at ' + SECRET), { body: SECRET })
      ${how}
    }))`)}`

async function newHome(): Promise<TemporaryHome> {
  const home = await createTemporaryHome()
  onTestFinished(() => home.remove())
  return home
}

function start(home: TemporaryHome, args: string[]): RunningProcess {
  const child = startNode(args, { env: { ...home.env, SECRET: 'planted' } })
  onTestFinished(async () => void (await child.kill()))
  return child
}

describe.skipIf(process.platform === 'win32')('a bridge that fails where nobody catches it', () => {
  it.each(['throw error', 'Promise.reject(error)'] as const)(
    'ends in order with 70 and writes what happened, but no text of it (%s)',
    async (how) => {
      const home = await newHome()
      const paths = systemPaths(home.env)
      const bridge = start(home, ['--import', crashing(how), built('bridge.js')])
      await bridge.json(({ event }) => event === 'ready')
      process.kill(bridge.pid, 'SIGUSR2')
      expect(await bridge.exited).toEqual({ code: 70, signal: null })
      expect(bridge.stdout.all.at(-1)).toBe('{"event":"failed","code":"bridge.internal"}')
      expect(await isListening(paths.socket)).toBe(false)
      const log = await readFile(paths.logFile, 'utf8')
      expect(log).toContain('nobody caught this')
      expect(log + bridge.stdout.text() + bridge.stderr.text()).not.toContain('planted')
    },
  )

  it('says so in the terminal that it runs in', async () => {
    const home = await newHome()
    const bridge = start(home, ['--import', crashing('throw error'), built('cli.js'), 'serve'])
    await bridge.stderr.find((line) => line.includes('Ctrl-C'))
    process.kill(bridge.pid, 'SIGUSR2')
    expect((await bridge.exited).code).toBe(70)
    expect(bridge.stderr.text()).toContain('[bridge.internal]')
    expect(bridge.stderr.text()).not.toContain('planted')
  })
})

describe('a bridge whose log cannot be written', () => {
  it('does not start and names the file', async () => {
    const home = await newHome()
    const { logFile } = systemPaths(home.env)
    await mkdir(logFile, { recursive: true, mode: 0o700 })
    for (const args of [[built('bridge.js')], [built('cli.js'), 'serve', '--json']]) {
      const bridge = start(home, args)
      expect((await bridge.exited).code).toBe(3)
      expect(JSON.parse(bridge.stdout.text())).toEqual({
        event: 'failed',
        code: 'bridge.home_unwritable',
        detail: logFile,
      })
    }
    expect(existsSync(join(home.bridge, 'vault.sealed'))).toBe(false)
  })
})
