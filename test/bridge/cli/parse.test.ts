import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { parseArguments, parseHeader, parseId, parseScopes } from '../../../bridge/cli/parse.ts'
import { readSecret } from '../../../bridge/cli/read-secret.ts'

const withCode = (code: string) => expect.objectContaining({ code }) as Error

describe('what is typed at the command line', () => {
  it('is an id, or that of no connection', () => {
    expect(parseId('linear-work')).toBe('linear-work')
    for (const typed of ['', 'Linear', '../x', 'a--b', 'x'.repeat(41)]) {
      expect(() => parseId(typed)).toThrow(withCode('connection.unknown'))
    }
  })

  it('is scopes, apart or together, each once', () => {
    expect(parseScopes(undefined)).toBeUndefined()
    expect(parseScopes([])).toBeUndefined()
    expect(parseScopes(['read write', 'write', 'admin:hooks'])).toEqual(['read', 'write', 'admin:hooks'])
    expect(() => parseScopes(['re"ad'])).toThrow(withCode('cli.usage'))
  })

  it('is a header of a name and a value, which may hold colons', () => {
    expect(parseHeader('X-Key: a:b ')).toEqual({ name: 'X-Key', value: 'a:b' })
    expect(parseHeader('X-Key:a')).toEqual({ name: 'X-Key', value: 'a' })
  })

  it.each(['sk-planted', ': sk-planted'])(
    'is no header without a name, and is not repeated (%s)',
    (typed) => {
      expect(() => parseHeader(typed)).toThrow(withCode('connection.header_invalid'))
      expect(() => parseHeader(typed)).not.toThrow(/planted/)
    },
  )

  it('is the arguments of a tool, one JSON object', () => {
    expect(parseArguments('{"a":{"b":[1]}}')).toEqual({ a: { b: [1] } })
    for (const typed of ['', '[]', 'null', '1', '{', "{'a':1}"]) {
      expect(() => parseArguments(typed)).toThrow(withCode('cli.usage'))
    }
  })
})

describe('a secret on stdin', () => {
  const given = async (input: string) => {
    const stdin = new PassThrough()
    stdin.end(input)
    return readSecret(stdin, () => undefined)
  }

  it.each([
    ['sk-1', 'sk-1'],
    ['sk-1\n', 'sk-1'],
    ['sk-1\r\n', 'sk-1'],
    ['sk-1\n\n', 'sk-1\n'],
    [' sk 1 ', ' sk 1 '],
  ])('of %j is %j', async (input, secret) => {
    expect(await given(input)).toBe(secret)
  })

  it.each([
    ['nothing', ''],
    ['a newline alone', '\n'],
    ['far too much', 'x'.repeat(200_000)],
  ])('is refused when it is %s', async (_, input) => {
    await expect(given(input)).rejects.toMatchObject({ code: 'cli.usage' })
  })

  it('is asked for at a terminal and read up to Enter, without being shown', async () => {
    const modes: boolean[] = []
    const stdin = Object.assign(new PassThrough(), {
      isTTY: true,
      setRawMode: (raw: boolean) => modes.push(raw),
    })
    let asked = 0
    const reading = readSecret(stdin, () => (asked += 1))
    stdin.write('sk-x\u007F')
    stdin.write('1\rrest')
    expect(await reading).toBe('sk-1')
    expect(asked).toBe(1)
    expect(modes).toEqual([true, false])
  })
})
