import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { onTestFinished } from 'vitest'
import { ClientAppState } from '../../shared/client-app.ts'
import { clientApp } from '../../bridge/clients/apps.ts'
import { launchOf } from '../../bridge/clients/launch.ts'
import { formats, serversOf } from '../../bridge/clients/formats/format.ts'
import { startNode } from '../support/process.ts'
import { createTemporaryHome, type TemporaryHome } from '../support/temporary-home.ts'

const cli = fileURLToPath(new URL('../../dist/cli.js', import.meta.url))

interface Said {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** The built command in a home of its own, with the client apps that a test puts there. */
export interface ClientCommands {
  readonly home: TemporaryHome
  /** Everything that any command has said. */
  readonly said: string[]
  /** The user's home folder. */
  readonly user: string
  run(words: readonly string[], options?: { input?: string; env?: Record<string, string> }): Promise<Said>
  /** The JSON that a command answers with; fails when its exit code is another than expected. */
  json(words: readonly string[], code?: number): Promise<unknown>
  /** Where an app has its settings, as `clients` says it, or would have. */
  put(path: string, content: string): Promise<void>
  state(app: string): Promise<ClientAppState>
  /** The address in an entry of an app's file. */
  urlIn(app: string, path: string, name: string): Promise<string>
}

/** Makes the home. Its bridge ends with the test. */
export async function startClientCommands(): Promise<ClientCommands> {
  if (!existsSync(cli)) throw new Error('dist/cli.js is missing: npm run build makes it')
  const home = await createTemporaryHome()
  const user = home.env['HOME'] ?? ''
  const said: string[] = []
  await mkdir(home.bridge, { mode: 0o700 })
  await writeFile(join(home.bridge, 'settings.json'), '{ "keyStore": "key-file" }')
  const run: ClientCommands['run'] = async (words, { input, env = {} } = {}) => {
    const started = startNode([cli, ...words], { env: { ...home.env, ...env } })
    if (input !== undefined) started.write(input)
    started.endInput()
    const { code } = await started.exited
    const [out, err] = [started.stdout.text(), started.stderr.text()]
    said.push(out, err)
    return { code, out, err }
  }
  const json: ClientCommands['json'] = async (words, expected = 0) => {
    const { code, out, err } = await run([...words, '--json'])
    if (code !== expected) throw new Error(`${words.join(' ')} ended with ${code}: ${out}${err}`)
    return JSON.parse(out)
  }
  onTestFinished(async () => {
    await run(['stop'])
    await home.remove()
  })
  return {
    home,
    said,
    user,
    run,
    json,
    async put(path, content) {
      await mkdir(dirname(path), { recursive: true })
      await writeFile(path, content)
    },
    async state(app) {
      const found = ClientAppState.array()
        .parse(await json(['clients']))
        .find(({ id }) => id === app)
      if (!found) throw new Error(`there is no ${app}`)
      return found
    },
    async urlIn(app, path, name) {
      const { format, table } = clientApp(app)
      const entry = serversOf(formats[format].parse(await readFile(path, 'utf8')), table).get(name)
      return launchOf(entry ?? {}).url ?? ''
    },
  }
}

/** What a real MCP client finds at an address: the names of the tools. */
export async function toolsAt(url: string): Promise<string[]> {
  const client = new Client({ name: 'knows-no-auth', version: '1' })
  try {
    await client.connect(new StreamableHTTPClientTransport(new URL(url)))
    const { tools } = await client.listTools()
    return tools.map(({ name }) => name)
  } finally {
    await client.close()
  }
}
