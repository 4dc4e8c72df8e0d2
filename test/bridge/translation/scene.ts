import { Client, type ClientOptions } from '@modelcontextprotocol/client'
import {
  acceptedContent,
  completable,
  inputRequired,
  inputResponse,
  type McpServer,
} from '@modelcontextprotocol/server'
import { setTimeout as sleep } from 'node:timers/promises'
import { onTestFinished } from 'vitest'
import { z } from 'zod'
import { createServerChannels } from '../../../bridge/server-channels.ts'
import type { ChannelClient, OpenChannel } from '../../../bridge/channel/channel.ts'
import { createEraMemory } from '../../support/era-memory.ts'
import type { EraMemory } from '../../../bridge/translation/era.ts'
import type { Upstream } from '../../../bridge/connections/upstream.ts'
import { overChannel, type ChannelTransport } from '../../support/channel-transport.ts'
import { startMcpServer, type McpServerOptions, type McpServerUnderTest } from '../../support/mcp-server.ts'
import type { Era } from '../../support/mcp-tools.ts'

const nothing = (): void => undefined
const confirmation = z.object({ name: z.string() })

/** What a server of either era asks, logs and completes; each server is of one era alone. */
function addInteraction(server: McpServer, era: Era): void {
  server.registerTool(
    'interview',
    { description: 'Asks for a name, a thought and the roots.' },
    ({ mcpReq }) => {
      const { inputResponses } = mcpReq
      const given = acceptedContent(inputResponses, 'name', confirmation)
      const thought = inputResponse(inputResponses, 'thought')
      const roots = inputResponse(inputResponses, 'roots')
      if (!given || thought.kind === 'missing' || roots.kind === 'missing') {
        return inputRequired({
          inputRequests: {
            name: inputRequired.elicit({ message: 'Who?', requestedSchema: confirmation }),
            thought: inputRequired.createMessage({
              messages: [{ role: 'user', content: { type: 'text', text: 'Think.' } }],
              maxTokens: 10,
            }),
            roots: inputRequired.listRoots(),
          },
          requestState: 'kept by the client',
        })
      }
      return text(JSON.stringify({ given, thought, roots, state: mcpReq.requestState() ?? null }))
    },
  )
  server.registerTool('confide', { description: 'Asks for a name alone.' }, ({ mcpReq }) => {
    const answer = inputResponse(mcpReq.inputResponses, 'name')
    return answer.kind === 'missing'
      ? inputRequired({
          inputRequests: { name: inputRequired.elicit({ message: 'Who?', requestedSchema: confirmation }) },
        })
      : text(JSON.stringify(answer))
  })
  if (era === 'legacy') {
    server.registerTool('impatient', { description: 'Asks, and does not wait long.' }, async ({ mcpReq }) => {
      const asking = mcpReq.elicitInput({
        message: 'Who?',
        requestedSchema: { type: 'object', properties: {} },
      })
      await Promise.race([asking.catch(() => undefined), sleep(100)])
      return text('went on without')
    })
  }
  server.registerTool('log', { description: 'Says something at two levels.' }, async ({ mcpReq }) => {
    await mcpReq.log('debug', 'small')
    await mcpReq.log('error', 'large')
    return text('logged')
  })
  server.registerTool('fail', { description: 'Fails.' }, () => {
    throw new Error('it was told to')
  })
  server.registerPrompt(
    'greet',
    {
      argsSchema: z.object({
        name: completable(z.string(), (begun) =>
          ['ada', 'alan', 'grace'].filter((one) => one.startsWith(begun)),
        ),
      }),
    },
    ({ name }) => ({ messages: [{ role: 'user', content: { type: 'text', text: `Hello ${name}` } }] }),
  )
  server.server.registerCapabilities({ logging: {}, resources: { subscribe: true } })
  if (era === 'modern') return
  server.server.setRequestHandler('resources/subscribe', () => ({}))
  server.server.setRequestHandler('resources/unsubscribe', () => ({}))
}

function text(value: string): { content: [{ type: 'text'; text: string }] } {
  return { content: [{ type: 'text', text: value }] }
}

/** A server of one era, and clients of the other one behind channels to it. */
export interface TranslationScene {
  readonly server: McpServerUnderTest
  readonly open: OpenChannel
  readonly connect: (options?: ClientOptions) => Promise<{ client: Client; transport: ChannelTransport }>
}

/** Starts a server of one era and gives clients of the other one. All of it ends with the test. */
export async function setTranslationScene(
  era: 'modern' | 'session',
  options: McpServerOptions = {},
): Promise<TranslationScene> {
  const server = await startMcpServer({ era, extend: addInteraction, keep: 'answers', ...options })
  onTestFinished(() => server.close())
  const open = channelsTo(server.url)
  return {
    server,
    open,
    connect: (more) => connectOver(open, era === 'modern' ? 'session' : 'modern', more),
  }
}

/** Channels of one bridge to the server at an address, which needs no sign-in. */
export function channelsTo(url: URL, eras: EraMemory = createEraMemory()): OpenChannel {
  const upstream: Upstream = {
    url,
    ended: new AbortController().signal,
    credentials: () => ({ headers: {}, generation: 1 }),
    accepted: () => undefined,
    refused: (used) => Promise.resolve(used),
    stepUp: (used) => Promise.resolve(used),
    asksStepUp: () => false,
  }
  const channels = createServerChannels({
    upstreams: { get: () => upstream },
    mostMessageBytes: () => 16 * 1024 * 1024,
    eras,
    log: { debug: nothing, info: nothing, warn: nothing, error: nothing },
  })
  onTestFinished(() => channels.close())
  return (client: ChannelClient) => channels.open('issues', client)
}

/** Connects the SDK's client of an era over a channel. */
export async function connectOver(
  open: OpenChannel,
  era: 'modern' | 'session',
  options: ClientOptions = {},
): Promise<{ client: Client; transport: ChannelTransport }> {
  const mode: ClientOptions = era === 'modern' ? { versionNegotiation: { mode: { pin: '2026-07-28' } } } : {}
  const client = new Client({ name: 'test', version: '1.0.0' }, { ...mode, ...options })
  const transport = overChannel(open)
  await client.connect(transport)
  onTestFinished(() => client.close())
  return { client, transport }
}
