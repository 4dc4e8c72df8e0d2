import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto'
import * as http from 'node:http'
import * as https from 'node:https'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import { BridgeError } from '../../../shared/errors.ts'

/** A request as a loopback server got it. */
export interface Received {
  readonly method: string
  readonly path: string
  readonly headers: http.IncomingHttpHeaders
  readonly body: string
}

/** Answers a request; what it does not answer with `response.end` stays open until the test is over. */
export type Handler = (request: Received, response: http.ServerResponse) => void

/** A real server on loopback. */
export interface Loopback {
  readonly origin: string
  readonly url: (path?: string) => URL
  readonly received: Received[]
  /** The paths asked for so far, in order, each with its method. */
  readonly asked: () => string[]
}

/** Serves until the test is over. With a certificate it speaks https. */
export async function serve(
  handler: Handler,
  certificate?: Certificate,
  host = '127.0.0.1',
): Promise<Loopback> {
  const received: Received[] = []
  const listener: http.RequestListener = (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { method = '', url: path = '', headers } = request
      const whole = { method, path, headers, body: Buffer.concat(chunks).toString() }
      received.push(whole)
      handler(whole, response)
    })
  }
  const server = certificate ? https.createServer(certificate, listener) : http.createServer(listener)
  await new Promise<void>((resolve) => {
    server.listen(0, host, resolve)
  })
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const origin = `${certificate ? 'https' : 'http'}://${host}:${(server.address() as AddressInfo).port}`
  return {
    origin,
    url: (path = '/mcp') => new URL(path, origin),
    received,
    asked: () => received.map(({ method, path }) => `${method} ${path}`),
  }
}

/** Answers with JSON. */
export function json(
  response: http.ServerResponse,
  body: unknown,
  status = 200,
  headers: http.OutgoingHttpHeaders = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}

/** Serves JSON documents by path, and 404 elsewhere. */
export function documents(table: () => Record<string, unknown>): Handler {
  return ({ path }, response) => {
    const found = table()[path]
    if (found === undefined)
      response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>Not found</h1>')
    else json(response, found)
  }
}

/** Answers every request alike. */
export function says(text: string | Buffer, status = 200, headers: http.OutgoingHttpHeaders = {}): Handler {
  return (_request, response) => {
    response.writeHead(status, headers).end(text)
  }
}

/** The `BridgeError` that an action ends in; fails the test when it does not. */
export async function thrownBy(act: () => unknown): Promise<BridgeError> {
  try {
    await act()
  } catch (thrown) {
    if (thrown instanceof BridgeError) return thrown
    throw thrown
  }
  throw new Error('nothing was thrown')
}

/** The code of the `BridgeError` that an action ends in. */
export async function codeOf(act: () => unknown): Promise<string> {
  return (await thrownBy(act)).code
}

/** A key and its self-signed certificate, PEM. */
export interface Certificate {
  readonly key: string
  readonly cert: string
}

/** A certificate for 127.0.0.1, localhost and mcp.example.com, written by hand (RFC 5280 §4.1): Node can read certificates but not make them. */
export function selfSigned(): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'der' },
  })
  const ecdsaSha256 = sequence(Buffer.from('06082a8648ce3d040302', 'hex'))
  const name = sequence(
    der(0x31, sequence(Buffer.from('0603550403', 'hex'), der(0x0c, Buffer.from('loopback')))),
  )
  const time = (year: number): Buffer => der(0x18, Buffer.from(`${year}0101000000Z`))
  const alternatives = sequence(
    der(0x87, Buffer.from([127, 0, 0, 1])),
    der(0x82, Buffer.from('localhost')),
    der(0x82, Buffer.from('mcp.example.com')),
  )
  const extension = sequence(Buffer.from('0603551d11', 'hex'), der(0x04, alternatives))
  const version = der(0xa0, der(0x02, Buffer.from([2])))
  const serial = der(0x02, Buffer.from([1]))
  const validity = sequence(time(2000), time(2999))
  const extensions = der(0xa3, sequence(extension))
  const content = sequence(version, serial, ecdsaSha256, name, validity, name, publicKey, extensions)
  const signature = sign('sha256', content, createPrivateKey(privateKey))
  const whole = sequence(content, ecdsaSha256, der(0x03, Buffer.from([0]), signature))
  const lines = whole
    .toString('base64')
    .match(/.{1,64}/g)
    ?.join('\n')
  return { key: privateKey, cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n` }
}

function sequence(...parts: Buffer[]): Buffer {
  return der(0x30, ...parts)
}

function der(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}
