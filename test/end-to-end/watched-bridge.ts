import { join } from 'node:path'
import type { ControlHandlers } from '../../bridge/control/handlers.ts'
import { openLog } from '../../bridge/log.ts'
import type { ConnectionId } from '../../shared/connection.ts'
import type { AddConnection } from '../../shared/control.ts'
import type { SignInEvent } from '../../shared/events.ts'
import { approve, createBrowserPort } from '../support/browser.ts'
import { startBridge, type BridgeUnderTest } from '../support/bridge-under-test.ts'
import { sendJson, startLoopback, type Loopback } from '../support/loopback.ts'
import type { McpServerUnderTest } from '../support/mcp-server.ts'
import { findPlanted, type Finding } from '../support/planted.ts'
import { callRaw } from '../support/raw-call.ts'
import { secretsIn, type SeenRequest } from '../support/seen.ts'
import {
  secretsOf,
  startStrictAuthorizationServer,
  type StrictAuthorizationServer,
} from '../support/strict-authorization-server.ts'
import { createTemporaryHome } from '../support/temporary-home.ts'
import { recordControl } from './recorded-control.ts'
import { closing } from './scene.ts'
import { protectedBy, staying } from './sign-in-setup.ts'

/** What a server that repeats what it hears says first; the rest follows as far as anybody takes it. */
export type Heard = (request: SeenRequest) => string

/** A bridge all of whose outputs are kept, with an authorization server and a server on one listener. */
export interface WatchedBridge {
  readonly bridge: BridgeUnderTest
  /** Everything it answers is kept. */
  readonly control: ControlHandlers
  readonly authorization: StrictAuthorizationServer
  readonly server: McpServerUnderTest
  /** From now on these paths answer with an error that repeats what they hear. */
  repeat(paths: readonly string[], heard?: Heard): void
  add(wish?: Partial<AddConnection>): Promise<ConnectionId>
  /** Signs in and gives the last event. */
  signIn(id: ConnectionId, scopes?: string[]): Promise<SignInEvent | undefined>
  /** Calls a tool as a client app, keeps the answer and gives its status. */
  call(id: ConnectionId, tool: string): Promise<number>
  /** Ends the bridge and looks in all that it ever put out, its files included, for the secrets that passed and for `more`. */
  search(more?: Record<string, string>): Promise<{ findings: Finding[]; outputs: Record<string, string> }>
}

/** Starts all of it; it is closed after the test. */
export async function watchBridge(): Promise<WatchedBridge> {
  const home = await createTemporaryHome()
  const log = openLog({ file: join(home.folder, 'bridge.log'), level: 'debug' })
  const kept: Record<'pages' | 'answers', string[]> = { pages: [], answers: [] }
  const browser = createBrowserPort(async (url) => kept.pages.push((await approve(url)).page ?? ''))
  const loopback = closing(await startLoopback())
  const repeat = mountRepeater(loopback)
  const behaviour = { clientAuth: 'client_secret_basic' } as const
  const authorization = await startStrictAuthorizationServer({ loopback, behaviour })
  const server = await protectedBy(authorization, {}, { loopback })
  const bridge = closing(await startBridge({ home, log, browser }))
  const { control, replies } = recordControl(bridge.control)

  return {
    bridge,
    control,
    authorization,
    server,
    repeat,
    async add(wish = {}) {
      const { connection } = await control.connections.add({ url: server.url.href, ...wish }, staying())
      return connection.id as ConnectionId
    },
    async signIn(id, scopes) {
      const input = { id, openBrowser: true, ...(scopes ? { scopes } : {}) }
      let last: SignInEvent | undefined
      for await (const event of control.connections.signIn(input, staying())) last = event as SignInEvent
      return last
    },
    async call(id, tool) {
      const { url } = await control.connections.endpoint({ id, client: 'cursor' }, staying())
      const { status, headers, body } = await callRaw(url, tool, { text: 'hello', title: 'hello' })
      kept.answers.push(`${status}\n${JSON.stringify(headers)}\n${body}`)
      return status
    },
    async search(more = {}) {
      await bridge.stop()
      await log.close()
      const issued = secretsOf(authorization.state).map((value, n): [string, string] => [
        `issued #${n}`,
        value,
      ])
      const secrets = new Map([...secretsIn(loopback.requests), ...issued, ...Object.entries(more)])
      const outputs = {
        ...Object.fromEntries([...replies].map(([name, texts]) => [name, texts.join('\n')])),
        events: bridge.events.map((event) => JSON.stringify(event)).join('\n'),
        logged: bridge.logged.join('\n'),
        pages: kept.pages.join('\n'),
        answers: kept.answers.join('\n'),
      }
      return { findings: await findPlanted({ secrets, folders: [home.folder], outputs }), outputs }
    },
  }
}

/** Mounted before the servers, so that it can speak in their place. */
function mountRepeater(loopback: Loopback): WatchedBridge['repeat'] {
  let taken: readonly string[] = []
  let say: Heard = ({ body }) => body
  loopback.mount(({ res, url, seen }) => {
    if (!taken.includes(url.pathname)) return false
    const heard = say(seen)
    const challenge = `Bearer error="${heard}", error_description="${heard}"`
    const status = url.pathname === '/mcp' ? 401 : 400
    sendJson(res, status, { error: heard, error_description: heard }, { 'www-authenticate': challenge })
    return true
  })
  return (paths, heard = say) => {
    taken = paths
    say = heard
  }
}
