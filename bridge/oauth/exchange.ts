import * as http from 'node:http'
import * as https from 'node:https'
import { isIPv6, type LookupFunction } from 'node:net'
import { pipeline, type Readable } from 'node:stream'
import * as tls from 'node:tls'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import { BridgeError } from '../../shared/errors.ts'
import type { Reach } from './reach.ts'

/** One request and its answer or failure, unredacted: for the trace, which redacts. Every redirect hop is an exchange of its own. */
export interface Exchange {
  readonly purpose: string | undefined
  readonly method: string
  readonly url: URL
  readonly requestHeaders: Readonly<Record<string, string>>
  readonly requestBody: string | undefined
  readonly status: number | undefined
  readonly responseHeaders: Readonly<Record<string, string>>
  readonly responseBody: string | undefined
  readonly failure: BridgeError | undefined
  readonly durationMs: number
}

/** A request as it goes on the wire, and what bounds it. Header names are lower-case. */
export interface WireRequest {
  readonly url: URL
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | undefined
  readonly maxBytes: number
  readonly connectTimeoutMs: number
  readonly stopAt: ((piece: string) => boolean) | undefined
  readonly purpose: string | undefined
  readonly reach: Reach
  readonly signal: AbortSignal
  readonly secureContext: tls.SecureContext | undefined
  readonly report: (exchange: Exchange) => void
}

/** An answer, read whole and decoded. Cookies are not among its headers. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: Uint8Array<ArrayBuffer>
}

/**
 * Makes one request, without redirects, over a connection of its own to an address that `reach` allows, and reports it.
 * Rejects with a `BridgeError`, or with the signal's reason.
 */
export async function exchangeOnce(request: WireRequest): Promise<Answer> {
  const { signal, url, body } = request
  const started = performance.now()
  const progress: Progress = { connected: false, secured: false }
  const report = (outcome: Answer | BridgeError): void => {
    const answer = outcome instanceof BridgeError ? undefined : outcome
    request.report({
      purpose: request.purpose,
      method: request.method,
      url,
      requestHeaders: request.headers,
      requestBody: body && Buffer.from(body).toString(),
      status: answer?.status,
      responseHeaders: answer ? Object.fromEntries(answer.headers) : {},
      responseBody: answer && Buffer.from(answer.body).toString(),
      failure: outcome instanceof BridgeError ? outcome : undefined,
      durationMs: performance.now() - started,
    })
  }
  try {
    const addresses = await unlessAborted(request.reach.addresses(url), signal)
    const answer = await readAnswer(await send(request, addresses, progress), request)
    report(answer)
    return answer
  } catch (thrown) {
    const reason: unknown = signal.aborted ? signal.reason : nameFailure(thrown, url, progress)
    if (reason instanceof BridgeError) report(reason)
    throw reason
  }
}

/** The usual certificates and these; undefined for none, so that Node's own choice stays. */
export function trustAlso(extraCa: string | readonly string[] | undefined): tls.SecureContext | undefined {
  if (extraCa === undefined) return undefined
  // Newer Node can tell what it trusts by default, with NODE_EXTRA_CA_CERTS and the system's store.
  const usual = (tls as { getCACertificates?: () => string[] }).getCACertificates?.() ?? tls.rootCertificates
  return tls.createSecureContext({ ca: [...usual, ...[extraCa].flat()] })
}

/** How far a connection came: it decides what a failure is called. */
interface Progress {
  connected: boolean
  secured: boolean
}

function send(
  { url, method, headers, body, signal, secureContext, connectTimeoutMs }: WireRequest,
  addresses: readonly string[],
  progress: Progress,
): Promise<http.IncomingMessage> {
  const secure = url.protocol === 'https:'
  const found = addresses.map((address) => ({ address, family: isIPv6(address) ? 6 : 4 }))
  // The addresses were judged; resolving the name again here would let it answer otherwise.
  const lookup: LookupFunction = (_hostname, { all }, callback) => {
    const [first = { address: '', family: 4 }] = found
    if (all) callback(null, found)
    else callback(null, first.address, first.family)
  }
  return new Promise((resolve, reject) => {
    const request = (secure ? https : http).request({
      protocol: url.protocol,
      hostname: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port,
      path: `${url.pathname}${url.search}`,
      method,
      headers: { ...headers, ...(body ? { 'content-length': body.byteLength } : {}) },
      agent: false,
      lookup,
      signal,
      ...(secureContext ? { secureContext } : {}),
    })
    const timer = setTimeout(() => {
      request.destroy(new BridgeError('network.timeout', url.host))
    }, connectTimeoutMs)
    request.on('socket', (socket) => {
      socket.once('connect', () => {
        progress.connected = true
        if (!secure) clearTimeout(timer)
      })
      socket.once('secureConnect', () => {
        progress.secured = true
        clearTimeout(timer)
      })
    })
    request.on('response', resolve)
    request.on('error', reject)
    request.on('close', () => {
      clearTimeout(timer)
    })
    request.end(body)
  })
}

async function readAnswer(response: http.IncomingMessage, request: WireRequest): Promise<Answer> {
  const { maxBytes, method, stopAt } = request
  const tooLarge = (): BridgeError =>
    new BridgeError('network.too_large', `${request.url.host}: more than ${maxBytes} bytes`)
  const { body, headers } = decoded(response)
  const text = new TextDecoder()
  const chunks: Buffer[] = []
  let size = 0
  if (method !== 'HEAD' && Number(response.headers['content-length']) > maxBytes) {
    response.destroy()
    throw tooLarge()
  }
  // Leaving the loop early destroys the body and its connection.
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.byteLength
    if (size > maxBytes) throw tooLarge()
    chunks.push(chunk)
    if (stopAt?.(text.decode(chunk, { stream: true }))) break
  }
  return { status: response.statusCode ?? 0, headers, body: new Uint8Array(Buffer.concat(chunks)) }
}

/** The body as it was before any encoding, with headers that fit it. */
function decoded(response: http.IncomingMessage): { body: Readable; headers: Headers } {
  const headers = new Headers()
  for (const [index, name] of response.rawHeaders.entries()) {
    if (index % 2 === 0 && name.toLowerCase() !== 'set-cookie')
      headers.append(name, response.rawHeaders[index + 1] ?? '')
  }
  const encoding = headers.get('content-encoding')?.trim().toLowerCase() ?? 'identity'
  if (encoding === 'identity' || encoding === '') return { body: response, headers }
  const decoder = decoders[encoding]?.()
  if (!decoder) {
    response.destroy()
    throw new BridgeError('server.failed', 'its answer has an encoding that was not asked for')
  }
  headers.delete('content-encoding')
  headers.delete('content-length')
  return { body: pipeline(response, decoder, () => undefined), headers }
}

const decoders: Record<string, () => NodeJS.ReadWriteStream & Readable> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
}

function nameFailure(thrown: unknown, { host, protocol }: URL, progress: Progress): unknown {
  if (thrown instanceof BridgeError || !(thrown instanceof Error)) return thrown
  const code = 'code' in thrown ? String(thrown.code) : thrown.name
  const detail = `${host}: ${code}`
  if (code === 'HPE_HEADER_OVERFLOW') return new BridgeError('network.too_large', detail)
  if (code.startsWith('HPE_')) return new BridgeError('server.failed', `${host}: the answer is not HTTP`)
  if (/^(?:Z_|ERR_ZLIB|ERR__ERROR|ERR_BROTLI)/.test(code)) {
    return new BridgeError('server.failed', `${host}: the answer is not encoded as it says`)
  }
  const handshake = protocol === 'https:' && progress.connected && !progress.secured
  return new BridgeError(handshake ? 'network.tls' : 'network.unreachable', detail)
}

async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  let abort = (): void => undefined
  const aborted = new Promise<never>((_resolve, reject) => {
    abort = () => {
      reject(signal.reason as Error)
    }
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
