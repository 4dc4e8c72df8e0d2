import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { setStdioScene, type StdioScene } from '../stdio/scene.ts'
import { fetchPackages } from '../support/fetched-package.ts'
import { findNewerNode } from '../support/newer-node.ts'

const [node, packages] = await Promise.all([
  findNewerNode(),
  fetchPackages('@modelcontextprotocol/inspector@2.12.0', 'mcporter@0.12.3'),
])
const missing = 'missing' in node ? node.missing : 'missing' in packages ? packages.missing : undefined
const unavailable = missing === undefined ? '' : ` (not run: ${missing})`

/** A way to the bridge, as a client app is told it: an address, or a command. */
type Way = { readonly url: string } | { readonly command: readonly string[] }

/** A client app that people use, driven from its command line. Resolves with what it printed. */
interface RealClient {
  readonly name: string
  listTools(scene: StdioScene, way: Way): Promise<string>
  callTool(scene: StdioScene, way: Way, tool: string, text: string): Promise<string>
}

const shim = fileURLToPath(new URL('../../dist/stdio.cjs', import.meta.url))
const limitMs = 60_000

/** Runs a program of the packages with nothing of this machine's settings. Rejects with what it said when it fails. */
async function run(scene: StdioScene, file: string, args: readonly string[]): Promise<string> {
  if ('missing' in node || 'missing' in packages) throw new Error(unavailable)
  const { home } = scene
  const { stdout } = await promisify(execFile)(node.path, [join(packages.folder, file), ...args], {
    cwd: home.folder,
    env: { ...home.env, HOME: home.folder, BRIDGEKEEPER_HOME: home.bridge, NO_COLOR: '1' },
    timeout: limitMs,
  })
  return stdout
}

const inspector: RealClient = {
  name: 'the MCP inspector',
  listTools: (scene, way) => inspect(scene, way, '--method', 'tools/list'),
  callTool: (scene, way, tool, text) =>
    inspect(scene, way, '--method', 'tools/call', '--tool-name', tool, '--tool-arg', `text=${text}`),
}

function inspect(scene: StdioScene, way: Way, ...request: string[]): Promise<string> {
  const launcher = '@modelcontextprotocol/inspector/clients/launcher/build/index.js'
  const target = 'url' in way ? ['--transport', 'http', '--server-url', way.url] : way.command
  const env = 'url' in way ? [] : ['-e', `BRIDGEKEEPER_HOME=${scene.home.bridge}`]
  return run(scene, launcher, ['--cli', ...target, ...env, ...request])
}

const mcporter: RealClient = {
  name: 'mcporter',
  listTools: (scene, way) => port(scene, way, 'list', 'bridge', '--schema'),
  callTool: (scene, way, tool, text) => port(scene, way, 'call', `bridge.${tool}`, `text=${text}`),
}

/** Runs it with a settings file as its users write it. */
async function port(scene: StdioScene, way: Way, ...request: string[]): Promise<string> {
  const { home } = scene
  const [command, ...args] = 'url' in way ? [] : way.command
  const entry = 'url' in way ? { url: way.url } : { command, args, env: { BRIDGEKEEPER_HOME: home.bridge } }
  const settings = join(home.folder, 'mcporter.json')
  await writeFile(settings, JSON.stringify({ mcpServers: { bridge: entry } }))
  return await run(scene, 'mcporter/dist/cli.js', ['--config', settings, ...request])
}

const ways: readonly { readonly name: string; of(scene: StdioScene): Promise<Way>; tool: string }[] = [
  {
    name: 'HTTP',
    of: async ({ control }) => control.connections.endpoint({ id: 'issues', client: 'real' }),
    tool: 'echo',
  },
  {
    name: 'stdio',
    of: async () => ({ command: [process.execPath, shim, 'issues'] }),
    tool: 'echo',
  },
  {
    name: 'HTTP, with all connections,',
    of: async ({ control }) => control.connections.endpoint({ client: 'real' }),
    tool: 'issues__echo',
  },
  {
    name: 'stdio, with all connections,',
    of: async () => ({ command: [process.execPath, shim] }),
    tool: 'issues__echo',
  },
]

describe.skipIf(missing !== undefined)(`client apps that people use${unavailable}`, () => {
  for (const client of [inspector, mcporter]) {
    for (const way of ways) {
      it(
        `${client.name} lists and calls over ${way.name}`,
        async () => {
          const scene = await setStdioScene()
          const target = await way.of(scene)
          expect(await client.listTools(scene, target)).toContain(way.tool)
          expect(await client.callTool(scene, target, way.tool, 'a real call')).toContain('a real call')
        },
        4 * limitMs,
      )
    }
  }
})
