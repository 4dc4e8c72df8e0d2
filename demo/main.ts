import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { approve } from '../test/support/browser.ts'
import { clientWithoutAuth, textOf } from './client.ts'
import { createCommandLine } from './command-line.ts'
import { startDemoServers } from './servers.ts'
import { createStory } from './story.ts'

// `npm run demo`: a real authorization server, a real MCP server and a real client, with the bridge between them.
const keep = process.argv.includes('--keep')
const story = createStory()
const seen = { refreshes: 0, revocations: 0 }
const servers = await startDemoServers({
  approval: keep ? 'pages' : 'automatic',
  ...(keep ? { accessTokenSeconds: 300 } : {}),
  on: {
    refreshed: () => void (seen.refreshes += 1),
    revoked: () => void (seen.revocations += 1),
  },
})
const home = await mkdtemp(join(tmpdir(), 'bridgekeeper-demo-'))
// Else each demo would leave a key in the keychain of whoever tries it.
await writeFile(join(home, 'settings.json'), '{ "keyStore": "key-file" }\n')
const bridgekeeper = createCommandLine(home, (line) => story.command(line))

const interrupted = new Promise<'interrupted'>((resolve) => {
  // Not once: a second Ctrl-C must not stop the tidying up.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => resolve('interrupted'))
  }
})
let end: 'interrupted' | void
try {
  end = await Promise.race([keep ? leaveRunning() : Promise.race([play(), tooLate()]), interrupted])
} finally {
  await bridgekeeper.end()
  await servers.close()
  await rm(home, { recursive: true, force: true })
}
// The step that was interrupted may wait for something that is gone.
if (end === 'interrupted' && !keep) process.exit(130)

async function tooLate(): Promise<never> {
  await sleep(30_000, undefined, { ref: false })
  throw new Error('the demo did not end within 30 seconds')
}

async function play(): Promise<void> {
  const url = servers.mcpServer.url.href
  story.step('An authorization server (oidc-provider) and an MCP server that requires it run on this machine')
  story.note(`MCP server: ${url}`)
  story.check(
    'Without a token the MCP server answers 401',
    (await fetch(url, { method: 'POST' })).status === 401,
  )

  story.step('The bridge starts with the first command, and the connection is added')
  story.output(await bridgekeeper.run('add', url, '--id', 'issues'))

  story.step('Signing in: the demo plays the browser and allows it')
  const connected = await bridgekeeper.connect('issues', approve)
  story.check('Connected', connected['event'] === 'connected')

  story.step('An MCP client that knows nothing of auth uses the local endpoint')
  const { url: endpoint } = JSON.parse(
    await bridgekeeper.run('endpoint', 'issues', '--client', 'demo', '--json'),
  ) as {
    url: string
  }
  story.note(endpoint.replace(/\/[^/]+\/issues/, '/<client key>/issues'))
  const client = await clientWithoutAuth(endpoint)
  const { tools } = await client.listTools()
  story.note(`tools: ${tools.map(({ name }) => name).join(', ')}`)
  story.check('A tool call comes back', textOf(await client.callTool({ name: 'whoami' })).includes('ada'))

  story.step('The access token expires; the next call is made with a new one')
  const refreshes = seen.refreshes
  await sleep(3_500)
  const answer = textOf(await client.callTool({ name: 'echo', arguments: { text: 'still here' } }))
  story.check('The call went through', answer === 'still here')
  story.check(`The server saw a refresh (${seen.refreshes - refreshes})`, seen.refreshes > refreshes)

  story.step('A tool needs one more scope: the call is held until a person allows it')
  const held = client.callTool({ name: 'write_issue', arguments: { title: 'The bridge is open' } })
  const asked = await bridgekeeper.poll(['status', 'issues', '--json'], (status) => status['stepUp'])
  story.note(`the server asks for ${(asked as { scopes: string[] }).scopes.join(', ')}`)
  await bridgekeeper.connect('issues', approve)
  story.check('The held call went on', textOf(await held) === 'filed: The bridge is open')

  story.step('Access is revoked')
  await client.callTool({ name: 'whoami' })
  const token = servers.lastBearer() ?? ''
  story.check('Before: the MCP server accepts the token', (await servers.statusFor(token)) !== 401)
  story.output(await bridgekeeper.run('revoke', 'issues'))
  story.check('After: the MCP server refuses it', (await servers.statusFor(token)) === 401)
  const { isError, ...result } = await client.callTool({ name: 'whoami' })
  story.check('The client is told what to do', isError === true && textOf(result).includes('not signed in'))
  const { tools: lastKnown } = await client.listTools()
  story.check('It still lists the last known tools', lastKnown.length === tools.length)
  await client.close()
  story.end()
}

async function leaveRunning(): Promise<void> {
  story.step('An authorization server and an MCP server run until you press Ctrl-C')
  story.note(`MCP server: ${servers.mcpServer.url.href}`)
  story.note('Try it in another terminal:')
  const prefix = `BRIDGEKEEPER_HOME=${home} BRIDGEKEEPER_PORT=0 npx bridgekeeper`
  story.command(`${prefix} add ${servers.mcpServer.url.href} --id issues`)
  story.command(`${prefix} connect issues`)
  story.command(`${prefix} call issues whoami`)
  story.command(`${prefix} call issues write_issue '{"title":"needs one more scope"}'`)
  story.note('That call waits for you: allow it in a third terminal with connect, as before.')
  story.command(`${prefix} revoke issues`)
  // The servers keep the process alive.
  await interrupted
}
