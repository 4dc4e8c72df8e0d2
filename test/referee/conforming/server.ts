import { randomBytes } from 'node:crypto'
import {
  localhostHostValidation,
  localhostOriginValidation,
  toNodeHandler,
  toWebRequest,
} from '@modelcontextprotocol/node'
import {
  createMcpHandler,
  createRequestStateCodec,
  isLegacyRequest,
  McpServer,
} from '@modelcontextprotocol/server'
import type { Era } from '../../../bridge/translation/era.ts'
import { sendJson, startLoopback, type Exchange } from '../../support/loopback.ts'
import { createMcpSessions } from '../../support/mcp-sessions.ts'
import { registerAskingTools } from './asking-tools.ts'
import { registerInputTools, type RoundState } from './input-tools.ts'
import { registerPrompts, registerResources } from './resources-and-prompts.ts'
import { registerTools, type ChangeNews } from './tools.ts'

/** A running MCP server that keeps the revisions of the specification, under two addresses. */
export interface ConformingServer {
  /** Serves everybody. */
  readonly openUrl: URL
  /** Serves only who brings the bearer, as a server behind Bridgekeeper does. */
  readonly guardedUrl: URL
  close(): Promise<void>
}

export interface ConformingOptions {
  readonly bearer: string
  /** The one era that it speaks; both by default. */
  readonly era?: Era | undefined
}

/** Starts the server that the referee judges, directly and through the bridge, on 127.0.0.1. */
export async function startConformingServer({ bearer, era }: ConformingOptions): Promise<ConformingServer> {
  const loopback = await startLoopback({ keep: 'nothing' })
  const openUrl = new URL('/open/mcp', loopback.origin)
  const guardedUrl = new URL('/guarded/mcp', loopback.origin)
  const codec = createRequestStateCodec<RoundState>({ key: randomBytes(32) })
  const modern = createMcpHandler(() => createFeatures(codec, modern.notify), { legacy: 'reject' })
  const serveModern = toNodeHandler(modern)
  const sessions = createMcpSessions(() => {
    const server: McpServer = createFeatures(codec, {
      toolsChanged: () => server.sendToolListChanged(),
      promptsChanged: () => server.sendPromptListChanged(),
    })
    return server
  })
  const isLocalHost = localhostHostValidation()
  const isLocalOrigin = localhostOriginValidation()

  loopback.mount(async (exchange) => {
    const { req, res, url, body } = exchange
    const isGuarded = url.pathname === guardedUrl.pathname
    if (!isGuarded && url.pathname !== openUrl.pathname) return false
    if (!isLocalHost(req, res) || !isLocalOrigin(req, res)) return true
    if (isGuarded && req.headers.authorization !== `Bearer ${bearer}`) {
      sendJson(res, 401, { error: 'invalid_token' })
      return true
    }
    await serve(exchange, body.length > 0 ? (JSON.parse(body.toString()) as unknown) : undefined)
    return true
  })

  async function serve(exchange: Exchange, message: unknown): Promise<void> {
    const { req, res } = exchange
    const request = Object.assign(req, { method: req.method ?? '', url: req.url ?? '' })
    const isOfSession = async (): Promise<boolean> =>
      await isLegacyRequest(await toWebRequest(request, message), message)
    if (era === undefined ? await isOfSession() : era === 'session')
      await sessions.serve(exchange, message, undefined)
    else await serveModern(request, res, message)
  }

  return {
    openUrl,
    guardedUrl,
    async close() {
      await loopback.close()
      await Promise.all([modern.close(), sessions.end()])
    },
  }
}

function createFeatures(
  codec: ReturnType<typeof createRequestStateCodec<RoundState>>,
  news: ChangeNews,
): McpServer {
  const server = new McpServer(
    { name: 'conforming', version: '1.0.0' },
    {
      capabilities: {
        tools: { listChanged: true },
        prompts: { listChanged: true },
        resources: { subscribe: true, listChanged: true },
        completions: {},
        logging: {},
      },
      requestState: { verify: (state, context) => codec.verify(state, context) },
    },
  )
  registerTools(server, news)
  registerAskingTools(server)
  registerInputTools(server, codec)
  registerResources(server)
  registerPrompts(server)
  server.server.setRequestHandler('completion/complete', () => ({
    completion: { values: [], total: 0, hasMore: false },
  }))
  return server
}
