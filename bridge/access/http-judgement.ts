import type { IncomingHttpHeaders } from 'node:http'
import { readBatch, readMessage, type RpcMessage } from '../channel/rpc-message.ts'
import { judge, toolCalled, type Judgement } from './judgement.ts'
import type { ToolRules } from './policy.ts'

/** What becomes of a body, and of its answer. */
export interface BodyJudgement {
  readonly judgement: Judgement
  /** The message; undefined for a batch and for what is none. */
  readonly message?: RpcMessage
  /** Whether a list of tools is asked for. */
  readonly listsTools: boolean
}

const unclear: Judgement = { is: 'refused', failure: { code: 'access.call_unclear' } }

/**
 * Judges the body of an HTTP request as its server will read it. What a server could read in another way is refused: a coding, a character set, a
 * thing said twice, headers that say something else than the body, and what is no JSON-RPC.
 */
export function judgeBody(bytes: Buffer, headers: IncomingHttpHeaders, rules: ToolRules): BodyJudgement {
  if (bytes.length === 0) return { judgement: { is: 'allowed' }, listsTools: false }
  const refused = { judgement: unclear, listsTools: false }
  if (!isPlain(headers)) return refused
  const message = readMessage(bytes)
  if (!message) return judgeBatch(bytes, rules) ?? refused
  if (message.kind === 'invalid' || contradicts(headers, message)) return refused
  return { judgement: judge(message, rules), message, listsTools: message.method === 'tools/list' }
}

/** A batch goes on if all of it may. Nobody is asked about a part of one. */
function judgeBatch(bytes: Buffer, rules: ToolRules): BodyJudgement | undefined {
  let listsTools = false
  for (const one of readBatch(bytes) ?? [Buffer.alloc(0)]) {
    const message = readMessage(one)
    if (!message || message.kind === 'invalid') return undefined
    const judgement = judge(message, rules)
    if (judgement.is === 'refused') return { judgement, listsTools }
    if (judgement.is === 'asked') return undefined
    listsTools ||= message.method === 'tools/list'
  }
  return { judgement: { is: 'allowed' }, listsTools }
}

function isPlain({ 'content-encoding': coding, 'content-type': type = '' }: IncomingHttpHeaders): boolean {
  if (coding !== undefined && coding.toLowerCase() !== 'identity') return false
  const charset = /charset\s*=\s*"?([^\s";,]*)/i.exec(type)?.[1]
  return charset === undefined || /^(?:utf-?8|us-ascii)$/i.test(charset)
}

/**
 * Whether the headers that repeat the body say something else, so that a server that goes by them would do another thing.
 * @see [MCP 2026-07-28, Standard Request Headers](https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#standard-request-headers)
 */
function contradicts(headers: IncomingHttpHeaders, message: RpcMessage): boolean {
  const { 'mcp-method': method, 'mcp-name': name } = headers
  if (method !== undefined && method !== message.method) return true
  return name !== undefined && message.method === 'tools/call' && decoded(name) !== toolCalled(message)
}

function decoded(value: string | string[]): string {
  const text = String(value)
  const encoded = /^=\?base64\?(.*)\?=$/.exec(text)?.[1]
  return encoded === undefined ? text : Buffer.from(encoded, 'base64').toString()
}
