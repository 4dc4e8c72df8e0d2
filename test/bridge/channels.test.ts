import fc from 'fast-check'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Channel, ChannelClient } from '../../bridge/channel/channel.ts'
import { readMessage, type RpcMessage } from '../../bridge/channel/rpc-message.ts'
import { startBridge, type BridgeUnderTest } from '../support/bridge-under-test.ts'
import { htmlPage, type Fault } from '../support/faults.ts'
import { startMcpServer, type McpServerUnderTest } from '../support/mcp-server.ts'
import { answerAsUsual, startSseServer, type SseServer } from '../support/sse-server.ts'
import { modern } from '../support/stdio-client.ts'

const app = 'interleaved'
const { signal } = new AbortController()

/** What the server does with a call whose arguments say so; everything else is answered. */
const faults: Readonly<Record<string, Fault>> = {
  reset: { kind: 'reset' },
  lost: { kind: 'lost' },
  cut: { kind: 'cut' },
  html: htmlPage(502),
  late: { kind: 'delay', ms: 15 },
}
const kinds = [...Object.keys(faults), 'plain', 'never']
const connections = ['older', 'current', 'ancient'] as const

let bridge: BridgeUnderTest
let servers: McpServerUnderTest[]
let ancient: SseServer

beforeAll(async () => {
  servers = [await startMcpServer({ era: 'session' }), await startMcpServer({ era: 'modern' })]
  ancient = await startSseServer({
    react(message, stream, exchange) {
      const text = message.params?.arguments?.text as string | undefined
      if (text?.startsWith('reset')) exchange.res.destroy()
      if (text?.startsWith('html')) exchange.res.writeHead(502).end('<html>')
      if (text?.startsWith('reset') || text?.startsWith('html')) return true
      if (text?.startsWith('lost')) return stream.cut()
      return answerAsUsual(message, stream)
    },
  })
  for (const { loopback } of servers) {
    for (const [name, fault] of Object.entries(faults)) {
      loopback.faults.add('/mcp', fault, { times: Infinity, when: ({ body }) => body.includes(`"${name} `) })
    }
  }
  bridge = await startBridge()
  const urls = [...servers.map(({ url }) => url), ancient.url]
  for (const [n, id] of connections.entries()) await bridge.connect(urls[n] ?? '', { id })
})

afterAll(async () => {
  await bridge?.close()
  await ancient?.close()
  for (const server of servers ?? []) await server.close()
})

/** A face that counts what becomes of each request, and can be replaced as after the start of another bridge. */
class Face implements ChannelClient {
  readonly name = app
  readonly ends = new Map<string, string[]>()
  readonly #open: (client: ChannelClient) => Channel
  #channel: Channel
  #isReplaced = false

  constructor(open: (client: ChannelClient) => Channel) {
    this.#open = open
    this.#channel = open(this)
  }

  get channel(): Channel {
    return this.#channel
  }

  /** The requests of which nobody knows anything more. */
  get open(): string[] {
    return [...this.ends].filter(([, ends]) => ends.length === 0).map(([id]) => id)
  }

  ask(id: string, method: string, params: object): void {
    this.ends.set(JSON.stringify(id), [])
    this.say({ id, method, params })
  }

  say(message: object): void {
    this.#channel.take(readMessage(Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...message }))) as RpcMessage)
  }

  /** As a pipe does it at the end of one bridge and the beginning of the next. */
  replace(): void {
    this.#channel.giveUp({ code: 'bridge.busy' })
    const session = JSON.parse(JSON.stringify(this.#channel.session())) as never
    const pending = this.#channel.pending()
    this.#isReplaced = true
    this.#channel.close(false)
    this.#isReplaced = false
    this.#channel = this.#open(this)
    if (!this.#channel.restore(session)) throw new Error('the session cannot be restored')
    for (const { message, id } of pending) {
      if (message) this.#channel.take(message)
      else this.#end(id, 'lost')
    }
  }

  answer(request: RpcMessage, bytes: Buffer): void {
    const isItsOwn = JSON.stringify(JSON.parse(bytes.toString()).id) === request.id
    this.#end(request.id, isItsOwn ? 'answered' : 'answered with another id')
    if (!isItsOwn) this.#end(request.id, 'so that this one is wrong')
  }

  answerWithSession(request: RpcMessage, bytes: Buffer): void {
    this.answer(request, bytes)
  }

  pass(): void {}

  dropped(request: RpcMessage): void {
    this.#end(request.id, 'dropped')
  }

  #end(id = '', how: string): void {
    this.ends.get(id)?.push(this.#isReplaced ? `${how} while it closed` : how)
  }
}

type Step =
  | { readonly do: 'call'; readonly kind: string; readonly at: number }
  | { readonly do: 'list' | 'cancel'; readonly at: number }
  | { readonly do: 'wait' | 'replace' | 'forbid' | 'allow' | 'pause' | 'forget'; readonly at: number }

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        do: fc.constant('call' as const),
        kind: fc.constantFrom(...kinds),
        at: fc.nat(99),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constantFrom('list' as const, 'cancel' as const), at: fc.nat(99) }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constantFrom('wait', 'wait', 'cancel', 'replace', 'forbid', 'allow', 'pause', 'forget'),
        at: fc.nat(99),
      }),
    },
  ),
  { minLength: 5, maxLength: 40 },
)

async function permit(isAllowed: boolean): Promise<void> {
  const allowed = isAllowed ? 'all' : connections.filter((id) => id !== 'current')
  await bridge.control.access.set({ sets: 'connections', client: app, connections: allowed as never }, signal)
}

const entries = [...connections, 'all'] as const
const lists = ['tools/list', 'prompts/list', 'resources/list', 'ping']

async function run(entry: (typeof entries)[number], isModern: boolean, plan: readonly Step[]): Promise<void> {
  await permit(true)
  const { channels } = bridge.bridge
  const face = new Face((client) =>
    entry === 'all' ? channels.openAll(client, 'stdio') : channels.openConnection(entry, client, 'stdio'),
  )
  const ids: string[] = []
  const ask = (method: string, params: object): void => {
    const id = `${method} ${ids.length}`
    ids.push(id)
    face.ask(id, method, isModern ? modern(params) : params)
  }
  const cancel = (id: string): void =>
    face.say({ method: 'notifications/cancelled', params: { requestId: id } })
  if (!isModern) {
    const clientInfo = { name: 'test', version: '1' }
    ask('initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo })
    // Without a wait for the answer, as some clients do it.
    face.say({ method: 'notifications/initialized' })
  }
  for (const [n, step] of plan.entries()) {
    const { at } = step
    switch (step.do) {
      case 'call': {
        const to = entry === 'all' ? `${connections[at % 3]}__` : ''
        const tool = step.kind === 'never' ? 'wait' : 'echo'
        ask('tools/call', { name: to + tool, arguments: { text: `${step.kind} ${n}` } })
        break
      }
      case 'list':
        ask(isModern ? (lists[at % 3] ?? '') : (lists[at % 4] ?? ''), {})
        break
      case 'cancel': {
        // The beginning must not be cancelled.
        const id = ids[at % Math.max(1, ids.length)]
        if (id !== undefined && !id.startsWith('initialize')) cancel(id)
        break
      }
      case 'wait':
        await sleep(at % 20)
        break
      case 'replace':
        face.channel.resume()
        face.replace()
        break
      case 'forbid':
      case 'allow':
        await permit(step.do === 'allow')
        break
      case 'pause':
        face.channel.pause()
        await sleep(at % 5)
        face.channel.resume()
        break
      case 'forget':
        await servers[0]?.endSessions()
        break
    }
  }
  await permit(true)
  // What never ends is cancelled, over and over: a cancellation may come before its request is known anywhere.
  for (let look = 0; look < 400 && face.open.length > 0; look++) {
    if (look % 20 === 19) for (const id of face.open) if (id.includes('tools/call')) cancel(JSON.parse(id))
    await sleep(20)
  }
  const wrong = [...face.ends].filter(([, ends]) => ends.length !== 1)
  expect(wrong).toEqual([])
  expect(face.channel.pending()).toEqual([])
  expect(face.channel.awaited).toBe(0)
  const counts = JSON.stringify([...face.ends])
  face.channel.close(true)
  await sleep(5)
  expect(JSON.stringify([...face.ends])).toBe(counts)
}

describe.each(entries)('every request through all layers (%s)', (entry) => {
  // oxlint-disable-next-line vitest/expect-expect -- Each run of a plan has its expectations.
  it.each([
    ['older', false],
    ['current', true],
  ])(
    'ends exactly once, whatever comes in between (a client of the %s era)',
    async (_era, isModern) => {
      const property = fc.asyncProperty(steps, (plan) => run(entry, isModern, plan))
      const { counterexample, errorInstance } = await fc.check(property, { numRuns: 5, endOnFailure: true })
      expect({ counterexample, errorInstance }).toEqual({ counterexample: null, errorInstance: null })
    },
    120_000,
  )
})
