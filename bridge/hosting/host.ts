import type { Failure } from '../../shared/errors.ts'
import type { Channel, ChannelClient } from '../channel/channel.ts'
import { invalidRequestCode, parseErrorCode } from '../channel/error-messages.ts'
import { intoOneLine } from '../channel/json-bytes.ts'
import { readMessage } from '../channel/rpc-message.ts'
import type { InFlight } from '../gateway/in-flight.ts'
import { collectBody, type RequestBody } from '../gateway/request-body.ts'
import { HostedSession, sessionPrefix } from './hosted-session.ts'
import { Reply, type LocalRequest } from './reply.ts'
import { clientEraOf, faultOf, type ClientEra } from './request-rules.ts'
import { SharedChannel } from './shared-channel.ts'

/** What a host needs from the gateway around it. */
export interface HostOptions {
  /** Opens what stands behind a client: one connection, or all of them where none is named. */
  readonly open: (connection: string | undefined, client: ChannelClient) => Channel | Failure
  readonly inFlight: Pick<InFlight, 'add'>
  /** The largest request body that is taken, in bytes. */
  readonly maxRequestBytes: () => number
  readonly times?: HostTimes
}

/** How long what is hosted may be still, in milliseconds. */
export interface HostTimes {
  /** How often clients that wait are shown that they are being served. */
  readonly beatMs: number
  /** How long a session lives that nobody uses. */
  readonly sessionMs: number
  /** The same for what requests without a session share. */
  readonly sharedMs: number
  readonly now: () => number
}

/** Ends MCP over HTTP on this side: what clients of either era ask goes to channels. */
export interface Host {
  serve(call: LocalRequest): void
  /** Ends all that a client app has open. */
  endCalls(client: string, failure: Failure): void
  close(failure: Failure): void
}

const usualTimes: HostTimes = {
  beatMs: 15_000,
  sessionMs: 60 * 60_000,
  sharedMs: 5 * 60_000,
  now: Date.now,
}

/** How many sessions one client app may have. */
const mostSessions = 256

/** Whether a session id was given out by a host. */
export function isHostedSession(id: string | string[] | undefined): boolean {
  return typeof id === 'string' && id.startsWith(sessionPrefix)
}

/** Something that is kept between requests, and when it was last asked for something. */
interface Kept<T> {
  readonly it: T
  usedAt: number
}

/** Begins to host. Nothing is kept until the first request. */
export function createHost({ open, inFlight, maxRequestBytes, times = usualTimes }: HostOptions): Host {
  const { beatMs, sessionMs, sharedMs, now } = times
  const replies = new Set<Reply>()
  const sessions = new Map<string, Kept<HostedSession>>()
  const shared = new Map<string, Kept<SharedChannel>>()
  let beating: NodeJS.Timeout | undefined

  function beat(): void {
    for (const reply of replies) reply.beat()
    for (const { it, usedAt } of sessions.values()) {
      if (!it.isInUse && now() - usedAt > sessionMs) it.end({ code: 'gateway.session_unknown' })
    }
    for (const [key, { it, usedAt }] of shared) {
      if (it.isInUse || now() - usedAt <= sharedMs) continue
      shared.delete(key)
      it.end({ code: 'bridge.busy' })
    }
    if (replies.size + sessions.size + shared.size > 0) return
    clearInterval(beating)
    beating = undefined
  }

  function serve(call: LocalRequest): void {
    const reply = new Reply(call)
    const takeOut = inFlight.add(reply)
    replies.add(reply)
    beating ??= setInterval(beat, beatMs).unref()
    call.response.on('close', () => {
      replies.delete(reply)
      takeOut()
    })
    const { headers, method } = call.request
    const id = headers['mcp-session-id']
    const era = clientEraOf(headers)
    if (method === 'POST') return readBody(call, reply, (bytes) => post(call, bytes, reply))
    if (era === 'modern' || id === undefined) return reply.refuse({ code: 'gateway.method_refused' }, onlyPost)
    const session = sessionOf(call)
    if (!session) return reply.refuse({ code: 'gateway.session_unknown' })
    if (method === 'GET') {
      const last = headers['last-event-id']
      return session.listen(typeof last === 'string' ? last : undefined, reply)
    }
    session.end({ code: 'gateway.session_unknown' })
    reply.empty(204)
  }

  function readBody(call: LocalRequest, reply: Reply, done: (bytes: Buffer) => void): void {
    const use = ({ chunks }: RequestBody): void => {
      if (reply.isOver) return
      done(intoOneLine(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)))
    }
    if (call.body) return use(call.body)
    collectBody(call.request, maxRequestBytes(), {
      await: () => call.awaitsContinue && call.response.writeContinue(),
      done: use,
      refuse: (failure) => reply.refuse(failure),
    })
  }

  function post(call: LocalRequest, bytes: Buffer, reply: Reply): void {
    const { headers } = call.request
    if (clientEraOf(headers) === 'modern') return postAlone(call, bytes, reply, 'modern')
    const id = headers['mcp-session-id']
    if (isHostedSession(id)) {
      const session = sessionOf(call)
      return session ? session.post(bytes, reply) : reply.refuse({ code: 'gateway.session_unknown' })
    }
    if (id !== undefined) return postAlone(call, bytes, reply, 'session')
    const message = readMessage(bytes)
    if (message?.kind === 'request' && message.method === 'initialize') {
      return beginSession(call).begin(message, reply)
    }
    ...
  }
}
