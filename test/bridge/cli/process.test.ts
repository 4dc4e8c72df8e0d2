import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { basename, dirname, join, relative } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { connectControl } from '../../../bridge/control/client.ts'
import { isListening } from '../../../bridge/control/listening.ts'
import type { Paths } from '../../../bridge/paths.ts'
import { newHome } from '../control/start-control.ts'

const cli = fileURLToPath(new URL('../../../dist/cli.js', import.meta.url))

beforeAll(() => {
  if (!existsSync(cli)) throw new Error('dist/cli.js is missing: npm run build makes it')
})

/** The built command in a home of its own, whose bridge takes any port and no OS keychain. Its bridge ends with the test. */
async function newCommands(settings = '{ "keyStore": "key-file" }') {
  const { home, paths } = await newHome()
  await writeFile(paths.settings, settings)
  onTestFinished(() => endBridge(paths))
  const start = (words: string[], env: NodeJS.ProcessEnv = {}) => {
    const child = spawn(process.execPath, [cli, ...words], {
      env: { ...process.env, BRIDGEKEEPER_HOME: home, BRIDGEKEEPER_PORT: '0', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    return child
  }
  const run = async (words: string[], env?: NodeJS.ProcessEnv) => {
    const child = start(words, env)
    const [[code], out, err] = await Promise.all([
      once(child, 'exit') as Promise<[number | null]>,
      text(child.stdout),
      text(child.stderr),
    ])
    return { code, out, err }
  }
  const runningPid = async () => (await connectControl(paths.socket).bridge.status({})).pid
  const logLines = async () => (await readFile(paths.logFile, 'utf8')).trim().split('\n')
  return { paths, start, run, runningPid, logLines }
}

async function endBridge({ socket }: Paths): Promise<void> {
  const isEnded = async (): Promise<boolean> => {
    if (!(await isListening(socket))) return true
    // It may be ending already, or be killed in this moment.
    await connectControl(socket)
      .bridge.stop({})
      .catch(() => undefined)
    return false
  }
  await expect.poll(isEnded, { timeout: 20_000 }).toBe(true)
}

async function firstLine(child: ReturnType<typeof spawn>): Promise<string> {
  if (!child.stdout) throw new Error('no output')
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  return line
}

describe.skipIf(process.platform === 'win32')('a command that needs the bridge', () => {
  it('starts it in the background when none runs, and uses it from then on', async () => {
    const { run, runningPid } = await newCommands()
    expect(await run(['list', '--json'])).toEqual({ code: 0, out: '[]\n', err: '' })
    const pid = await runningPid()
    expect(await run(['list', '--json'])).toMatchObject({ code: 0, out: '[]\n' })
    expect(await runningPid()).toBe(pid)
  })

  it('ends with one bridge however many start it at once', async () => {
    const { run, logLines } = await newCommands()
    const said = await Promise.all(Array.from({ length: 5 }, () => run(['list', '--json'])))
    expect(said).toEqual(said.map(() => ({ code: 0, out: '[]\n', err: '' })))
    expect((await logLines()).filter((line) => line.includes('the bridge is ready'))).toHaveLength(1)
  })

  it('starts a new one after the old one was killed', async () => {
    const { run, runningPid } = await newCommands()
    await run(['list'])
    const killed = await runningPid()
    process.kill(killed, 'SIGKILL')
    expect(await run(['list', '--json'])).toMatchObject({ code: 0, out: '[]\n' })
    expect(await runningPid()).not.toBe(killed)
  })

  it('says why the bridge cannot start, and leaves a broken settings file as it is', async () => {
    const broken = '{ "keyStore": "key-file",\n  port }'
    const { run, paths } = await newCommands(broken)
    const { code, out } = await run(['list', '--json'])
    expect(code).toBe(3)
    expect(JSON.parse(out)).toMatchObject({ error: { code: 'settings.broken', fixer: 'user' } })
    expect(out).toContain('line 2')
    const connect = await run(['connect', 'linear', '--json'])
    expect(JSON.parse(connect.out)).toMatchObject({ event: 'failed', code: 'settings.broken' })
    expect(await readFile(paths.settings, 'utf8')).toBe(broken)
  })

  it('names a port that another program has', async () => {
    const { run } = await newCommands()
    const other = createServer().listen(0, '127.0.0.1')
    onTestFinished(() => void other.close())
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    const { code, out } = await run(['list', '--json'], { BRIDGEKEEPER_PORT: String(port) })
    expect(code).toBe(3)
    expect(JSON.parse(out)).toMatchObject({ error: { code: 'bridge.port_in_use' } })
  })

  it('says once that the key of the vault lies in a file', async () => {
    const { run } = await newCommands()
    expect((await run(['list'])).err).toContain('whoever can read your files can read the tokens')
    expect((await run(['list'])).err).toBe('')
  })

  it('takes relative paths from its own folder, not from that of the bridge', async () => {
    const { paths, run } = await newCommands('{ "keyStore": "passphrase" }')
    const file = join(dirname(paths.home), `${basename(paths.home)}-passphrase`)
    onTestFinished(() => rm(file, { force: true }))
    await writeFile(file, 'correct horse\n')
    const env = { BRIDGEKEEPER_PASSPHRASE_FILE: relative(process.cwd(), file) }
    expect(await run(['list', '--json'], env)).toEqual({ code: 0, out: '[]\n', err: '' })
  })

  it('names a log that cannot be written', async () => {
    const { run, paths } = await newCommands()
    await mkdir(paths.logFile)
    const { code, out } = await run(['list', '--json'])
    expect(code).toBe(3)
    expect(JSON.parse(out)).toMatchObject({
      error: { code: 'bridge.home_unwritable', detail: paths.logFile },
    })
  })

  it('changes the settings of a running bridge and of none', async () => {
    const { run, paths } = await newCommands()
    expect(await run(['settings', 'set', 'logLevel', 'warn'])).toEqual({
      code: 0,
      out: 'logLevel is now warn\n',
      err: '',
    })
    await run(['list'])
    // What BRIDGEKEEPER_PORT says is not what the file says.
    expect((await run(['settings', 'set', 'port', '4000'])).out).toBe('port is now 4000\n')
    expect((await run(['settings', 'get', 'port', '--json'])).out).toBe('4000\n')
    expect(JSON.parse(await readFile(paths.settings, 'utf8'))).toEqual({
      keyStore: 'key-file',
      logLevel: 'warn',
      port: 4000,
    })
  })

  it('names a home that cannot be', async () => {
    const { run } = await newCommands()
    const { code, err } = await run(['list'], { BRIDGEKEEPER_HOME: '/dev/null/home' })
    expect(code).toBe(3)
    expect(err).toContain('[bridge.home_unwritable]')
  })
})

describe.skipIf(process.platform === 'win32')('serve', () => {
  it('says in its first line where it is, and ends with Ctrl-C', async () => {
    const { start, paths } = await newCommands()
    const child = start(['serve', '--port', '0', '--json'])
    expect(JSON.parse(await firstLine(child))).toEqual({
      event: 'ready',
      url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      keyStore: 'key-file',
    })
    const exit = once(child, 'exit')
    child.kill('SIGINT')
    expect(await exit).toEqual([0, null])
    expect(await isListening(paths.socket)).toBe(false)
  })

  it('says where the first is and ends with 0 when there is one', async () => {
    const { start, run } = await newCommands()
    const first = start(['serve', '--json'])
    const ready = JSON.parse(await firstLine(first)) as { url: string }
    const { code, out } = await run(['serve', '--json'])
    expect(code).toBe(0)
    expect(JSON.parse(out)).toEqual({
      event: 'already-running',
      url: ready.url,
      keyStore: 'key-file',
      pid: first.pid,
    })
    expect((await run(['serve'])).out).toContain(ready.url)
  })

  it('refuses a port that is none', async () => {
    const { run } = await newCommands()
    const { code, out } = await run(['serve', '--port', '70000', '--json'])
    expect(code).toBe(3)
    expect(JSON.parse(out)).toMatchObject({ event: 'failed', code: 'settings.value_invalid' })
  })

  it('is ended by stop, which waits for it', async () => {
    const { start, run, paths } = await newCommands()
    const child = start(['serve', '--json'])
    await firstLine(child)
    const exit = once(child, 'exit')
    expect(await run(['stop'])).toMatchObject({ code: 0, out: 'The bridge has ended.\n' })
    expect(await isListening(paths.socket)).toBe(false)
    expect(await exit).toEqual([0, null])
  })
})

describe.skipIf(process.platform === 'win32')('events', () => {
  it('ends with 0 by Ctrl-C', async () => {
    const { start, run, paths } = await newCommands()
    await run(['list'])
    const child = start(['events', '--json'])
    const exit = once(child, 'exit')
    let line: string | undefined
    void firstLine(child).then((first) => (line = first))
    let count = 0
    const addOne = async (): Promise<string | undefined> => {
      // Those that come before it listens are not seen, so that one is not enough.
      const request = { url: 'http://127.0.0.1:9/mcp', bearer: 'b', id: `c${(count += 1)}` }
      await connectControl(paths.socket).connections.add(request)
      return line
    }
    await expect.poll(addOne, { timeout: 20_000 }).toContain('"connection-added"')
    child.kill('SIGINT')
    expect(await exit).toEqual([0, null])
  })

  it('ends when nobody reads it any more', async () => {
    const { start, run, paths } = await newCommands()
    await run(['list'])
    const child = start(['events', '--json'])
    const exit = once(child, 'exit')
    child.stdout.destroy()
    let count = 0
    const addOne = async (): Promise<number | null> => {
      const request = { url: 'http://127.0.0.1:9/mcp', bearer: 'b', id: `c${(count += 1)}` }
      await connectControl(paths.socket).connections.add(request)
      return child.exitCode
    }
    await expect.poll(addOne, { timeout: 20_000 }).toBe(0)
    expect(await exit).toEqual([0, null])
  })
})
