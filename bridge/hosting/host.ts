import { BridgeError, type Failure } from '../../shared/errors.ts'
import { invalidRequestCode, parseErrorCode } from '../channel/error-messages.ts'
import { intoOneLine } from '../channel/json-bytes.ts'
import { mirror } from '../channel/mirrored-headers.ts'
import { readBatch, readMessage } from '../channel/rpc-message.ts'
import type { Endable } from '../gateway/in-flight.ts'
import { collectBody, type RequestBody } from '../gateway/request-body.ts'
import type { Era } from '../translation/era.ts'
import { createHosted, type HostedOptions } from './hosted.ts'
import { Reply, type LocalRequest } from './reply.ts'
import { clientEraOf, faultOf, isHostedSession } from './request-rules.ts'

/** What a host needs from the gateway around it. */
export interface HostOptions extends Pick<HostedOptions, 'upstreams' | 'open'> {
  /** Keeps what is being served; returns what takes it out again. */
  readonly add: (served: Endable & { readonly client: string }) => () => void
  /** The largest request body that is taken, in bytes. */
  readonly maxRequestBytes: () => number
  readonly times?: HostTimes
}

/** How long what is hosted may be still, in milliseconds. */
export interface HostTimes extends Pick<HostedOptions, 'sessionMs' | 'sharedMs' | 'now'> {
  /** How often clients that wait are shown that they are being served. */
  readonly beatMs: number
  /** How long a client may take nothing while something waits for it. */
  readonly stallMs: number
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
  stallMs: 30_000,
  sessionMs: 60 * 60_000,
  sharedMs: 5 * 60_000,
  now: () => performance.now(),
}

/** Begins to host. Nothing is kept until the first request. */
export function createHost({ upstreams, open, add, maxRequestBytes, times = usualTimes }: HostOptions): Host {
  const ended = new AbortController()
  const surroundings = { access: ended.signal, stallMs: times.stallMs }
  const replies = new Set<Reply>()
  const hosted = createHosted({ upstreams, open, ...times })
  let beating: NodeJS.Timeout | undefined

  function beat(): void {
    for (const reply of replies) reply.beat()
    hosted.sweep()
    if (replies.size + hosted.size > 0) return
    clearInterval(beating)
    beating = undefined
  }

  function serve(call: LocalRequest): void {
    const reply = new Reply(call, surroundings)
    const takeOut = add(reply)
    replies.add(reply)
    beating ??= setInterval(beat, times.beatMs).unref()
    call.response.on('close', () => {
      replies.delete(reply)
      takeOut()
    })
    if (call.request.method === 'POST') readBody(call, reply, (bytes) => post(call, bytes, reply))
    else serveStream(call, reply)
  }

  /** A GET or a DELETE, which sessions alone have. */
  function serveStream(call: LocalRequest, reply: Reply): void {
    const { headers, method } = call.request
    const { 'mcp-session-id': id, 'last-event-id': last } = headers
    if (clientEraOf(headers) === 'modern' || id === undefined) {
      return reply.refuse({ code: 'gateway.method_refused' }, { fields: ['Allow', 'POST'] })
    }
    const session = hosted.session(id, call)
    if (!session) return reply.refuse({ code: 'gateway.session_unknown' })
    if (method === 'GET') return session.listen(typeof last === 'string' ? last : undefined, reply)
    session.end({ code: 'gateway.session_unknown' })
    reply.empty(204)
  }

  function readBody(call: LocalRequest, reply: Reply, done: (bytes: Buffer) => void): void {
    const use = ({ chunks: [only, ...others] }: RequestBody): void => {
      if (reply.isOver) return
      done(intoOneLine(only && others.length === 0 ? only : Buffer.concat(only ? [only, ...others] : [])))
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
    const { 'mcp-session-id': id } = headers
    if (clientEraOf(headers) === 'modern') return postAlone('modern', call, bytes, reply)
    if (isHostedSession(id) || (id !== undefined && !call.isOutOfSession)) {
      const session = hosted.session(id, call)
      return session ? session.post(bytes, reply) : reply.refuse({ code: 'gateway.session_unknown' })
    }
    const message = readMessage(bytes)
    if (message?.kind === 'request' && message.method === 'initialize') {
      const session = hosted.create(call)
      return 'code' in session ? reply.refuse(session, { id: message.id }) : session.begin(message, reply)
    }
    if (message && mirror(message)) return postAlone('modern', call, bytes, reply)
    if (call.isOutOfSession) return postAlone('session', call, bytes, reply)
    reply.refuse({ code: 'gateway.session_needed' }, { id: message?.id })
  }

  /** A message that stands alone. */
  function postAlone(era: Era, call: LocalRequest, bytes: Buffer, reply: Reply): void {
    const message = readMessage(bytes)
    const isJson = message !== undefined || readBatch(bytes) !== undefined
    if (!message || message.kind === 'invalid' || (era === 'modern' && message.kind === 'answer')) {
      const code = isJson ? invalidRequestCode : parseErrorCode
      return reply.refuse({ code: 'gateway.message_invalid' }, { status: 400, code, id: message?.id })
    }
    const fault =
      era === 'modern' && message.kind === 'request' ? faultOf(call.request.headers, message) : undefined
    if (fault) return reply.refuse(fault.failure, { ...fault, id: message.id })
    const channel = hosted.shared(era, call)
    if ('code' in channel) return reply.refuse(channel, { id: message.id })
    channel.take(message, reply)
  }

  return {
    serve,
    endCalls: (client, failure) => hosted.end(failure, (place) => place.client === client),
    close(failure) {
      hosted.end(failure)
      ended.abort(new BridgeError(failure.code, failure.detail))
      clearInterval(beating)
    },
  }
}
