import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { judge, previewOf, withoutDenied } from '../../../bridge/access/judgement.ts'
import { defaultAccess, changed, policyFor, type ToolRules } from '../../../bridge/access/policy.ts'
import { readMessage, type RpcMessage } from '../../../bridge/channel/rpc-message.ts'
import type { Verdict } from '../../../shared/access.ts'
import { ruleFor } from './open-gate.ts'

function rulesWith(...rules: readonly [string, Verdict][]): ToolRules {
  const access = rules.reduce(
    (one, [tool, verdict]) => changed(one, ruleFor('app', tool, verdict)),
    defaultAccess('app'),
  )
  const { rules: compiled } = policyFor(access, 'remote')
  if (!compiled) throw new Error('no rule that asks or denies')
  return compiled
}

const message = (text: string | Buffer): RpcMessage => {
  const read = readMessage(Buffer.from(text))
  if (!read) throw new Error('no message')
  return read
}

const call = (params: string): string => `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${params}}`
const rules = rulesWith(['delete', 'deny'], ['write', 'ask'])

describe('a call of a tool', () => {
  it.each([
    ['as it is', '{"name":"delete"}'],
    ['with its name in escapes', String.raw`{"name":"\u0064elet\u0065"}`],
    ['with the word for the name in escapes', String.raw`{"n\u0061me":"delete"}`],
    ['in another case', '{"name":"DELETE"}'],
    ['behind its arguments', '{"arguments":{"name":"harmless"},"name":"delete"}'],
  ])('is denied %s', (_, params) => {
    expect(judge(message(call(params)), rules)).toEqual({
      is: 'refused',
      failure: { code: 'access.tool_denied' },
    })
  })

  it.each([
    ['twice', '{"name":"harmless","name":"delete"}'],
    ['twice, once in escapes', String.raw`{"name":"harmless","n\u0061me":"delete"}`],
    ['not at all', '{"arguments":{}}'],
    ['again in another case, which some readers take for the same', '{"name":"harmless","Name":"delete"}'],
    ['again in another case and in escapes', String.raw`{"name":"harmless","n\u0041me":"delete"}`],
    ['not as text', '{"name":["delete"]}'],
    ['in a list', '["delete"]'],
    ['with a zero byte, where some readers stop', String.raw`{"name":"delete\u0000x"}`],
    ['with half a character', String.raw`{"name":"delete\ud800"}`],
  ])('is refused when it names the tool %s', (_, params) => {
    expect(judge(message(call(params)), rules)).toEqual({
      is: 'refused',
      failure: { code: 'access.call_unclear' },
    })
  })

  it.each([
    ['the method', '{"id":1,"method":"ping","Method":"tools/call","params":{"name":"delete"}}'],
    ['the list of tools', '{"id":1,"method":"ping","METHOD":"tools/list"}'],
    ['the params', '{"id":1,"method":"tools/call","params":{"name":"x"},"Params":{"name":"delete"}}'],
    [
      'the params with a long s',
      '{"id":1,"method":"tools/call","params":{"name":"x"},"param\u017f":{"name":"delete"}}',
    ],
    ['the method of an answer', '{"id":1,"result":{},"Method":"tools/call","params":{"name":"delete"}}'],
  ])(
    'is refused when the message says %s in another case, which some readers take for the same',
    (_, text) => {
      expect(judge(message(text), rules)).toEqual({ is: 'refused', failure: { code: 'access.call_unclear' } })
    },
  )

  it('goes on where only its arguments have such names', () => {
    expect(
      judge(message(call('{"name":"harmless","arguments":{"Name":"delete","Method":1}}')), rules),
    ).toEqual({
      is: 'allowed',
    })
  })

  it('is refused when its name is no UTF-8, which readers mend in different ways', () => {
    const torn = Buffer.concat([
      Buffer.from('{"id":1,"method":"tools/call","params":{"name":"dele'),
      Buffer.of(0xff),
      Buffer.from('te"}}'),
    ])
    expect(judge(message(torn), rules)).toMatchObject({ failure: { code: 'access.call_unclear' } })
  })

  it('is judged by the method as it is read, too', () => {
    const text = String.raw`{"id":1,"m\u0065thod":"tools\/c\u0061ll","params":{"name":"delete"}}`
    expect(judge(message(text), rules)).toMatchObject({ is: 'refused' })
  })

  it('is asked about, with the name that the server reads', () => {
    expect(judge(message(call(String.raw`{"name":"wr\u0069te"}`)), rules)).toEqual({
      is: 'asked',
      tool: 'write',
    })
  })

  it('is judged alike however JSON writes it', () => {
    const name = fc.constantFrom('delete', 'write', 'harmless')
    fc.assert(
      fc.property(name, fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }), (tool, escapes) => {
        const written = Array.from(tool)
          .map((one, n) => (escapes[n] ? `\\u00${one.charCodeAt(0).toString(16)}` : one))
          .join('')
        const verdict = { delete: 'refused', write: 'asked', harmless: 'allowed' }[tool]
        expect(judge(message(call(`{"name":"${written}"}`)), rules).is).toBe(verdict)
      }),
    )
  })
})

describe('everything else', () => {
  it.each(['tools/list', 'prompts/get', 'ping', 'tools/callx'])('is allowed: %s', (method) => {
    const text = `{"jsonrpc":"2.0","id":1,"method":"${method}","params":{"name":"delete"}}`
    expect(judge(message(text), rulesWith(['*', 'deny'])).is).toBe('allowed')
  })
})

describe('a list of tools', () => {
  const listOf = (...tools: string[]): string =>
    ` {"id":"x","jsonrpc":"2.0", "result" : { "nextCursor":"2" ,"tools": [ ${tools.join(' , ')} ],"more":1.0e2}}`

  it('loses what is denied, and not a byte of the rest', () => {
    const kept = ['{"name": "write","inputSchema":{"a":1.0}}', '{"title":"ü","name":"read"}']
    const text = listOf(kept[0] ?? '', '{"name":"delete"}', String.raw`{"name":"d\u0065lete"}`, kept[1] ?? '')
    expect(withoutDenied(message(text), rules).bytes.toString()).toBe(
      listOf().replace('[  ]', `[${kept.join(',')}]`),
    )
  })

  it('is the very same where nothing of it is denied', () => {
    const answer = message(listOf('{"name":"read"}'))
    expect(withoutDenied(answer, rules).bytes).toBe(answer.bytes)
  })

  it('loses tools that nobody can name', () => {
    const text = listOf('{"name":"read","name":"delete"}', '{"title":"no name"}', '7', '{"name":"read"}')
    const { result } = JSON.parse(withoutDenied(message(text), rules).bytes.toString()) as {
      result: { tools: unknown }
    }
    expect(result.tools).toEqual([{ name: 'read' }])
  })

  it('is an error where it says twice what the tools are', () => {
    const text = '{"id":4,"result":{"tools":[{"name":"delete"}],"tools":[]}}'
    const { bytes, failure } = withoutDenied(message(text), rules)
    expect(failure?.code).toBe('server.failed')
    expect(JSON.parse(bytes.toString())).toMatchObject({ id: 4, error: { data: { code: 'server.failed' } } })
  })

  it('never shows a denied tool, and always the others, in their order', () => {
    const names = fc.array(fc.constantFrom('delete', 'Delete', 'write', 'read', 'ü'), { maxLength: 12 })
    fc.assert(
      fc.property(names, (all) => {
        const text = JSON.stringify({ id: 1, result: { tools: all.map((name) => ({ name })) } })
        const { result } = JSON.parse(withoutDenied(message(text), rules).bytes.toString()) as {
          result: { tools: { name: string }[] }
        }
        expect(result.tools.map(({ name }) => name)).toEqual(all.filter((name) => !/^delete$/i.test(name)))
      }),
    )
  })
})

describe('what a person is shown of a call', () => {
  const shown = (args: unknown): string =>
    previewOf(message(call(JSON.stringify({ name: 'x', arguments: args }))))

  it('is what it is called with', () => {
    const args = { path: '/home/ada/projects/2026/notes.txt', to: 'grace', force: true, count: 3 }
    expect(shown(args)).toBe(JSON.stringify(args))
    expect(shown(undefined)).toBe('{}')
  })

  it('holds nothing that has the name or the look of a secret', () => {
    const args = { password: 'planted', text: 'use ghp_planted0123456789abcdefghij now' }
    expect(shown(args)).not.toContain('planted')
  })

  it('is bounded', () => {
    expect(shown({ a: 'word '.repeat(10_000) }).length).toBeLessThanOrEqual(5_000)
    expect(shown({ a: 'word '.repeat(100_000) }).length).toBeLessThanOrEqual(5_000)
  })
})
