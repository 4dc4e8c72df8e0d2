import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { NodeStreamableHTTPServerTransport } from '@modelcontextprotocol/node'
import {
  isInitializeRequest,
  type AuthInfo,
  type EventStore,
  type JSONRPCMessage,
  type McpServer,
} from '@modelcontextprotocol/server'
import { sendJson, type Exchange } from './loopback.ts'

/** The sessions of an MCP server of the older era: `initialize`, GET stream, DELETE, `Last-Event-ID`. */
export interface McpSessions {
  serve(exchange: Exchange, message: unknown, authInfo: AuthInfo | undefined): Promise<void>
  /** Ids of the open sessions. */
  ids(): string[]
  /** The server forgets all sessions, as after a restart: their next request is 404. */
  end(): Promise<void>
  /** Tells every session that the tools have changed. */
  announceTools(): void
  /** Tells every session that a resource has changed, whether it wants to know or not. */
  announceResource(uri: string): void
}

/** Sessions, each with a server of its own. */
export function createMcpSessions(create: () => McpServer): McpSessions {
  const sessions = new Map<string, { transport: NodeStreamableHTTPServerTransport; server: McpServer }>()

  async function open(): Promise<NodeStreamableHTTPServerTransport> {
    const server = create()
    const transport = new NodeStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      eventStore: createEventStore(),
      onsessioninitialized: (id) => void sessions.set(id, { transport, server }),
      onsessionclosed: (id) => void sessions.delete(id),
    })
    await server.connect(transport)
    return transport
  }

  return {
    async serve({ req, res }, message, authInfo) {
      const id = req.headers['mcp-session-id']
      const known = typeof id === 'string' ? sessions.get(id)?.transport : undefined
      if (id !== undefined && !known) return refuse(404, -32001, 'Session not found')
      if (!known && !isInitializeRequest(message)) return refuse(400, -32000, 'Bad Request: no session')
      const transport = known ?? (await open())
      const authorized: IncomingMessage & { auth?: AuthInfo } = req
      if (authInfo) authorized.auth = authInfo
      await transport.handleRequest(authorized, res, message)

      function refuse(status: number, code: number, text: string): void {
        sendJson(res, status, { jsonrpc: '2.0', error: { code, message: text }, id: null })
      }
    },
    ids: () => [...sessions.keys()],
    async end() {
      const ending = [...sessions.values()]
      sessions.clear()
      await Promise.all(ending.map(({ server }) => server.close()))
    },
    announceTools() {
      for (const { server } of sessions.values()) server.sendToolListChanged()
    },
    announceResource(uri) {
      for (const { server } of sessions.values()) void server.server.sendResourceUpdated({ uri })
    },
  }
}

/** Events of one session, for streams that are resumed with `Last-Event-ID`. */
function createEventStore(): EventStore {
  const events: { readonly id: string; readonly streamId: string; readonly message: JSONRPCMessage }[] = []
  return {
    storeEvent(streamId, message) {
      const id = `${events.length}`
      events.push({ id, streamId, message })
      return Promise.resolve(id)
    },
    async replayEventsAfter(lastEventId, { send }) {
      const last = events.find(({ id }) => id === lastEventId)
      const streamId = last?.streamId ?? ''
      const missed = events.slice(Number(lastEventId) + 1).filter((event) => event.streamId === streamId)
      for (const { id, message } of missed) await send(id, message)
      return streamId
    },
  }
}
