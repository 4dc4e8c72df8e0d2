import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { Channel, ChannelClient } from '../../bridge/channel/channel.ts'
import { errorAnswer } from '../../bridge/channel/error-messages.ts'
import { findMembers } from '../../bridge/channel/json-bytes.ts'
import { cancelledId, findParams, isSameId, readMessage } from '../../bridge/channel/rpc-message.ts'
import type { RpcMessage } from '../../bridge/channel/rpc-message.ts'
import { refusal } from '../../bridge/gateway/guard.ts'
import { createHost } from '../../bridge/hosting/host.ts'
import { LineReader } from '../../bridge/stdio/line-reader.ts'
import { subscriptionKey } from '../../bridge/translation/vocabulary.ts'

const builtShim = fileURLToPath(new URL('../../dist/stdio.cjs', import.meta.url))
const mostBytes = 64 * 1024 * 1024
const clientGone = { code: 'gateway.client_away' } as const

/** What makes a stdio server look like one of HTTP. */
export interface StdioFront {
  readonly url: string
  close(): Promise<void>
}

/** Serves a connection over HTTP, on 127.0.0.1, through the built shim: one for each session, and one for all requests without a session. */
export async function startStdioFront(connection: string, env: NodeJS.ProcessEnv): Promise<StdioFront> {
  const running = new Set<Promise<unknown>>()
  const host = createHost({
    upstreams: { get: () => undefined },
    open: (_, client) => openShim(client, connection, env, running),
    add: () => () => undefined,
    maxRequestBytes: () => mostBytes,
    // The referee leaves its sessions open, and each has a process.
    times: {
      beatMs: 5_000,
      stallMs: 30_000,
      sessionMs: 5_000,
      sharedMs: 60_000,
      now: performance.now.bind(performance),
    },
  })
  const server = createServer((request, response) => {
    const failure = refusal(request, port)
    if (failure)
      response.writeHead(403, { 'content-type': 'application/json' }).end(errorAnswer(undefined, failure))
    else host.serve({ request, response, awaitsContinue: false, client: 'referee', connection: undefined })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    async close() {
      host.close(clientGone)
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await Promise.all(running)
    },
  }
}

/** A channel whose lower side is the stdin and stdout of a shim. */
function openShim(
  client: ChannelClient,
  connection: string,
  env: NodeJS.ProcessEnv,
  running: Set<Promise<unknown>>,
): Channel {
  const asked = new Set<RpcMessage>()
  const shim = spawn(process.execPath, [builtShim, connection, '--client', 'referee'], {
    env,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ended = once(shim, 'close')
  running.add(ended)
  void ended.then(() => {
    running.delete(ended)
    for (const request of asked) settle(request, errorAnswer(request.id, clientGone))
  })
  const lines = new LineReader(
    {
      line: (bytes) => hear(readMessage(Buffer.from(bytes))),
      tooLong: () => shim.kill(),
    },
    () => mostBytes,
  )
  shim.stdin.on('error', () => undefined)
  shim.stdout.on('data', (chunk: Buffer) => lines.push(chunk))

  function hear(message: RpcMessage | undefined): void {
    if (!message || message.kind === 'invalid') throw new Error('the shim wrote what is no message')
    if (message.kind !== 'answer') return client.pass(message, requestBehind(message, asked))
    const request = [...asked].find(({ id }) => isSameId(id, message.id))
    if (request) settle(request, message.bytes, message.errorPlace !== undefined)
  }

  function settle(request: RpcMessage, answer: Buffer, isError = true): void {
    asked.delete(request)
    client.answer(request, answer, { isError })
  }

  function cancel(message: RpcMessage): void {
    const id = cancelledId(message)
    for (const request of asked) {
      if (!isSameId(request.id, id)) continue
      asked.delete(request)
      client.dropped(request)
    }
  }

  return {
    onIdle: undefined,
    get awaited() {
      return asked.size
    },
    take(message) {
      if (message.kind === 'request') asked.add(message)
      shim.stdin.write(Buffer.concat([message.bytes, Buffer.from('\n')]))
      if (message.method === 'notifications/cancelled') cancel(message)
    },
    pending: () => [],
    session: () => null,
    restore: () => false,
    giveUp: () => undefined,
    pause: () => void shim.stdout.pause(),
    resume: () => void shim.stdout.resume(),
    close() {
      asked.clear()
      shim.stdin.end()
    },
  }
}

/** Over stdio all messages share one stream. The request that one belongs to shows in its tokens, or in that there is no other. */
function requestBehind(message: RpcMessage, asked: ReadonlySet<RpcMessage>): RpcMessage | undefined {
  const all = [...asked]
  const subscription = metaOf(message, subscriptionKey)
  if (subscription !== undefined) return all.find(({ id }) => isSameId(id, subscription))
  const [token] = findParams(message, ['progressToken']) ?? []
  if (message.method === 'notifications/progress' && token) {
    const written = textOf(message, token)
    return all.find((request) => metaOf(request, 'progressToken') === written)
  }
  const calls = all.filter(({ method }) => method !== 'subscriptions/listen')
  return calls.length === 1 ? calls[0] : undefined
}

/** A member of `_meta`, as it is written. */
function metaOf(message: RpcMessage, name: string): string | undefined {
  const [meta] = findParams(message, ['_meta']) ?? []
  const [place] = (meta && findMembers(message.bytes, meta.start, [name])?.places) ?? []
  return place && textOf(message, place)
}

function textOf({ bytes }: RpcMessage, { start, end }: { start: number; end: number }): string {
  return bytes.toString('latin1', start, end)
}
