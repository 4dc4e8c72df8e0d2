import type { ServerResponse } from 'node:http'
import { toNodeHandler, toWebRequest } from '@modelcontextprotocol/node'
import {
  createMcpHandler,
  isLegacyRequest,
  type AuthInfo,
  type McpServer,
} from '@modelcontextprotocol/server'
import { createMcpSessions } from './mcp-sessions.ts'
import { createTools, type Era, type ToolRecord, type ToolScopes } from './mcp-tools.ts'
import { sendJson, startLoopback, type Exchange, type Loopback, type LoopbackOptions } from './loopback.ts'
import { guardResource, type ResourceProtection } from './resource-protection.ts'

export interface McpServerOptions {
  /** By default nobody needs to sign in. */
  readonly auth?: ResourceProtection
  /** 2026-07-28 alone, sessions of 2025-11-25 and older alone, or both, which is the default. */
  readonly era?: 'modern' | 'session' | 'both'
  readonly toolScopes?: ToolScopes
  /** What the server has beside the tools of every test. */
  readonly extend?: (server: McpServer, era: Era) => void
  /** What it offers, instead of the tools of the tests. */
  readonly create?: (era: Era) => McpServer
  /** The path of the endpoint; `/mcp` by default. */
  readonly path?: string
  readonly port?: number
  /** Where to listen, such as beside an authorization server; by default a server of its own. */
  readonly loopback?: Loopback
  /** By default requests are kept without their answers. */
  readonly keep?: LoopbackOptions['keep']
}

/** A running MCP server. */
export interface McpServerUnderTest {
  /** The MCP endpoint, which is also the resource identifier unless `auth` says otherwise. */
  readonly url: URL
  /** The protected resource metadata; undefined without `auth`. */
  readonly metadataUrl: string | undefined
  /** Listener, requests seen, faults, down and up. */
  readonly loopback: Loopback
  readonly record: ToolRecord
  /** From now on the token is refused, whatever the authorization server says. */
  refuseToken(token: string): void
  sessionIds(): string[]
  /** Forgets all sessions, as a restart does: their next request is 404. */
  endSessions(): Promise<void>
  /** Tells all open streams that the list of tools has changed. */
  announceTools(): void
  /** Tells those who subscribed to it that a resource has changed. */
  announceResource(uri: string): void
  close(): Promise<void>
}

const defaultToolScopes: ToolScopes = { write_issue: ['write:issues'] }

/** Starts a real MCP server on 127.0.0.1, for both protocol eras, protected if `auth` is given. */
export async function startMcpServer(options: McpServerOptions = {}): Promise<McpServerUnderTest> {
  const { era = 'both', path = '/mcp', port = 0, keep = 'requests' } = options
  const toolScopes = options.toolScopes ?? (options.auth ? defaultToolScopes : {})
  const loopback = options.loopback ?? (await startLoopback({ port, keep }))
  const url = new URL(path, loopback.origin)
  const record: ToolRecord = { calls: [], cancelled: [] }
  const kept = keep === 'nothing' ? undefined : record
  const guard = options.auth && guardResource(url, options.auth)
  const create = (served: Era): McpServer => {
    const server = options.create?.(served) ?? createTools(served, kept, toolScopes)
    options.extend?.(server, served)
    return server
  }
  const sessions = createMcpSessions(() => create('legacy'))
  const modern = createMcpHandler(({ era: served }) => create(served), { legacy: 'reject' })
  const serveModern = toNodeHandler(modern)

  loopback.mount(async (exchange) => {
    if (guard?.serveMetadata(exchange)) return true
    if (exchange.url.pathname !== path) return false
    const authInfo = guard && (await guard.admit(exchange))
    if (guard && !authInfo) return true
    await serveMcp(exchange, authInfo)
    return true
  })

  async function serveMcp(exchange: Exchange, authInfo: AuthInfo | undefined): Promise<void> {
    const { res, body } = exchange
    const message = parse(body)
    if (message === notJson) {
      const error = { code: -32700, message: 'Parse error' }
      return sendJson(res, 400, { jsonrpc: '2.0', error, id: null })
    }
    const request = asNodeRequest(exchange, authInfo)
    const isLegacy =
      era === 'session' || (await isLegacyRequest(await toWebRequest(request, message), message))
    if (isLegacy && era !== 'modern') return sessions.serve(exchange, message, authInfo)
    await serveModern(request, sendingHeadersAtOnce(res), message)
  }

  return {
    url,
    metadataUrl: guard?.metadataUrl,
    loopback,
    record,
    refuseToken: (token) => guard?.refuse(token),
    sessionIds: () => sessions.ids(),
    endSessions: () => sessions.end(),
    announceTools() {
      modern.notify.toolsChanged()
      sessions.announceTools()
    },
    announceResource(uri) {
      modern.notify.resourceUpdated(uri)
      sessions.announceResource(uri)
    },
    async close() {
      await loopback.close()
      await Promise.all([modern.close(), sessions.end()])
    },
  }
}

const notJson = Symbol('not JSON')

function parse(body: Buffer): unknown {
  if (body.length === 0) return undefined
  try {
    return JSON.parse(body.toString()) as unknown
  } catch {
    return notJson
  }
}

type NodeRequest = Parameters<ReturnType<typeof toNodeHandler>>[0]

function asNodeRequest({ req, body }: Exchange, authInfo: AuthInfo | undefined): NodeRequest {
  return {
    method: req.method ?? 'GET',
    url: req.url ?? '/',
    headers: req.headers,
    ...(authInfo ? { auth: authInfo } : {}),
    async *[Symbol.asyncIterator]() {
      yield body
    },
  }
}

/** Streams whose first event takes its time: their headers must not wait for it. */
function sendingHeadersAtOnce(res: ServerResponse): Parameters<ReturnType<typeof toNodeHandler>>[1] {
  return {
    writeHead(status, headers = {}) {
      res.writeHead(status, headers)
      if (headers['content-type']?.startsWith('text/event-stream')) res.flushHeaders()
      return res
    },
    write: (chunk) => res.write(chunk),
    end: (chunk) => res.end(chunk),
    on: (event, listener) => res.on(event, listener),
    get destroyed() {
      return res.destroyed
    },
  }
}
