import { describe, expect, it } from 'vitest'
import { readMessage, type RpcMessage } from '../../../bridge/channel/rpc-message.ts'
import { elicitationsIn } from '../../../bridge/translation/elicitation-errors.ts'
import { InputRound } from '../../../bridge/translation/input-round.ts'
import { modernAnswer } from '../../../bridge/translation/modern-results.ts'
import { olderResult } from '../../../bridge/translation/older-results.ts'

const message = (content: object): RpcMessage =>
  readMessage(Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...content }))) as RpcMessage
const parse = ({ bytes }: RpcMessage): any => JSON.parse(bytes.toString())

describe('results for an older client', () => {
  const call = message({ id: 1, method: 'tools/call' })
  const list = message({ id: 1, method: 'tools/list' })

  it('are the same bytes where it can read them', () => {
    const answer = message({
      id: 1,
      result: { resultType: 'complete', structuredContent: { a: 1 }, content: [] },
    })
    expect(olderResult(call, answer).bytes).toBe(answer.bytes)
    const tools = message({
      id: 1,
      result: { tools: [{ name: 'a', outputSchema: { type: 'object' } }, { name: 'b' }] },
    })
    expect(olderResult(list, tools).bytes).toBe(tools.bytes)
  })

  it('have no structured content that is no object, nor a schema for it', () => {
    const answer = message({
      id: 1,
      result: { structuredContent: [1], content: [{ type: 'text', text: '[1]' }] },
    })
    expect(parse(olderResult(call, answer)).result).toEqual({ content: [{ type: 'text', text: '[1]' }] })
    const tools = message({
      id: 1,
      result: { tools: [{ name: 'a', outputSchema: { type: 'array' } }, { name: 'b' }] },
    })
    expect(parse(olderResult(list, tools)).result).toEqual({ tools: [{ name: 'a' }, { name: 'b' }] })
  })
})

describe('answers for a modern client', () => {
  const agreed = {
    capabilities: Buffer.from('{}'),
    info: Buffer.from('{"name":"old"}'),
    instructions: undefined,
    offers: {},
  }
  const read = message({ id: '"ä"', method: 'resources/read' })

  it('have the id of its request, and the code that the current revision has for a missing resource', () => {
    const answer = message({ id: 9, error: { code: -32_002, message: 'not there', data: { uri: 'a' } } })
    expect(JSON.parse(modernAnswer(read, answer, agreed).toString())).toMatchObject({
      id: '"ä"',
      error: { code: -32_602, message: 'not there', data: { uri: 'a' } },
    })
  })

  it('keep what the server says of itself', () => {
    const answer = message({ id: 9, result: { contents: [], ttlMs: 5, _meta: { own: 1 } } })
    expect(JSON.parse(modernAnswer(read, answer, agreed).toString())).toMatchObject({
      result: {
        contents: [],
        ttlMs: 5,
        cacheScope: 'private',
        resultType: 'complete',
        _meta: { own: 1, 'io.modelcontextprotocol/serverInfo': { name: 'old' } },
      },
    })
  })
})

describe('an error that wants a person to go somewhere first (MCP 2025-11-25, URL Elicitation Required Error)', () => {
  it('is read as elicitations', () => {
    const elicitations = [{ mode: 'url', elicitationId: '1', url: 'https://example.com', message: 'Go' }]
    const { bytes } = message({ id: 1, error: { code: -32_042, message: 'first', data: { elicitations } } })
    expect(elicitationsIn(bytes)?.map(parse)).toMatchObject([
      { method: 'elicitation/create', params: elicitations[0] },
    ])
  })

  it('is an error like any other where it names none', () => {
    const error = (code: number, data?: object): Buffer =>
      message({ id: 1, error: { code, message: '', data } }).bytes
    expect(elicitationsIn(error(-32_042))).toBeUndefined()
    expect(elicitationsIn(error(-32_042, { elicitations: [] }))).toBeUndefined()
    expect(elicitationsIn(error(-32_042, { elicitations: ['a'] }))).toBeUndefined()
    expect(elicitationsIn(error(-32_000, { elicitations: [{}] }))).toBeUndefined()
  })
})

describe('what a server wants to know (InputRequiredResult)', () => {
  const begin = (result: object): ReturnType<typeof InputRound.begin> => {
    let last = 0
    return InputRound.begin(message({ id: 1, result }), () => `"q${++last}"`)
  }

  it('has an id for an elicitation by address, as 2025-11-25 asks', () => {
    const params = { mode: 'url', url: 'https://example.com', message: 'Go' }
    const round = begin({ inputRequests: { go: { method: 'elicitation/create', params } } })
    if ('code' in round) throw new Error(round.code)
    expect(round.questions.map(parse)).toMatchObject([
      { id: 'q1', params: { ...params, elicitationId: 'q1' } },
    ])
  })

  it('is nothing more than its state where the server only wants to be asked again', () => {
    const round = begin({ requestState: 'a' })
    if ('code' in round) throw new Error(round.code)
    expect(round.isComplete).toBe(true)
    expect(round.answers['requestState']?.toString()).toBe('"a"')
  })

  it('is refused where there is nothing, or what no client can be asked', () => {
    expect(begin({})).toMatchObject({ code: 'server.failed' })
    expect(begin({ inputRequests: { a: { method: 'tools/call' } } })).toMatchObject({
      code: 'translation.unmapped',
    })
  })

  it('keeps keys of every kind apart', () => {
    const inputRequests = JSON.parse(
      '{"__proto__":{"method":"roots/list"},"a":{"method":"roots/list"}}',
    ) as object
    const round = begin({ inputRequests })
    if ('code' in round) throw new Error(round.code)
    round.take(message({ id: 'q1', result: { roots: [] } }))
    expect(round.isComplete).toBe(false)
    round.take(message({ id: 'q2', result: { roots: [1] } }))
    expect(round.answers['inputResponses']?.toString()).toBe('{"__proto__":{"roots":[]},"a":{"roots":[1]}}')
  })
})
