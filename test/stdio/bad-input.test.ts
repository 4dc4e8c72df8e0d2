import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { canMeasure, peakMemory } from './memory.ts'
import { setRawScene } from './scene.ts'

const megabyte = 1024 * 1024

function echo(id: unknown, text: string): object {
  return { jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'echo', arguments: { text } } }
}

describe('a line that is no message', () => {
  it('is a JSON-RPC error that says what it lacks, and the next line is served', async () => {
    const { spawn } = await setRawScene()
    const client = spawn()
    const lines: [string, number][] = [
      ['no JSON', -32_700],
      ['{"jsonrpc":"2.0","id":1,"method":"tools/list"', -32_700],
      ['{} {}', -32_700],
      ['\u0000\u0001\u001b[31m', -32_700],
      ['['.repeat(100_000), -32_700],
      ['"a text"', -32_600],
      ['12', -32_600],
      ['{}', -32_600],
      ['[]', -32_600],
      ['{"id":1,"method":"a","method":"b"}', -32_600],
      ['{"id":1,"method":7}', -32_600],
    ]
    for (const [line, code] of lines) {
      const before = client.lines.length
      client.send(`${line}\n`)
      await client.find(() => client.lines.length > before)
      expect
        .soft(JSON.parse(client.lines[before] ?? ''), line.slice(0, 80))
        .toMatchObject({ error: { code } })
      expect.soft((await client.ask('tools/list')).result).toEqual({ tools: [] })
    }
    expect(client.lines).toHaveLength(2 * lines.length)
  })

  it('such as an empty one is left out; a line may end with CR and LF, and the last one with nothing', async () => {
    const { spawn, server } = await setRawScene()
    const client = spawn()
    client.send(`\n\r\n \n${JSON.stringify(echo(1, 'first'))}\r\n${JSON.stringify(echo(2, 'last'))}`)
    client.child.stdin?.end()
    expect((await client.find(({ id }) => id === 1)).result.content[0].text).toBe('first')
    expect((await client.find(({ id }) => id === 2)).result.content[0].text).toBe('last')
    expect(server.received('tools/call')).toHaveLength(2)
  })

  it('such as a batch is answered message by message, each in a line of its own', async () => {
    const { spawn, server } = await setRawScene()
    const client = spawn()
    const note = { jsonrpc: '2.0', method: 'notifications/x' }
    client.send(`${JSON.stringify([echo('a', 'one'), 7, note, echo('b', 'two')])}\n`)
    expect((await client.find(({ id }) => id === 'a')).result.content[0].text).toBe('one')
    expect((await client.find(({ id }) => id === 'b')).result.content[0].text).toBe('two')
    expect((await client.find(({ error }) => error !== undefined)).error?.code).toBe(-32_600)
    await expect.poll(() => server.received('notifications/x').length).toBe(1)
    expect(client.lines).toHaveLength(3)
  })
})

describe('a large line', () => {
  it('of 12 MB arrives, and so does an answer of 12 MB', async () => {
    const { spawn } = await setRawScene()
    const client = spawn()
    const text = 'x'.repeat(12 * megabyte)
    client.send(echo('large', text))
    expect((await client.find(({ id }) => id === 'large')).result.content[0].text === text).toBe(true)
  })

  it.skipIf(!canMeasure)('of 100 MB is an error with its id, and costs no such memory', async () => {
    const { spawn, control, pid } = await setRawScene()
    await control.settings.set({ key: 'gateway.maxRequestBytes', value: String(8 * megabyte) })
    const client = spawn()
    const other = spawn()
    await Promise.all([client.ask('ping'), other.ask('ping')])
    const before = [pid(), client.child.pid].map(peakMemory)
    const piece = 'x'.repeat(megabyte)
    client.send('{"jsonrpc":"2.0","id":"large","method":"tools/call","params":{"name":"echo","text":"')
    for (let n = 0; n < 100; n++) {
      if (client.child.stdin?.write(piece) === false) await once(client.child.stdin, 'drain')
      // Another client is served all the while.
      if (n % 20 === 0) await other.ask('ping')
    }
    client.send('"}}\n')
    const { error } = await client.find(({ id }) => id === 'large')
    expect(error?.data.code).toBe('gateway.body_too_large')
    expect((await client.ask('ping')).result).toEqual({})
    const grown = [pid(), client.child.pid].map((one, n) => peakMemory(one) - (before[n] ?? 0))
    for (const bytes of grown) expect(bytes).toBeLessThan(50 * megabyte)
  })
})

describe('the id of a request', () => {
  it('may be any value, and is the same in its answer', async () => {
    const { spawn } = await setRawScene()
    const client = spawn()
    const numbers = ['0', '-7', '1.5', '1.0', '1e2', '12345678901234567890']
    const texts = ['"text"', '"ünï ☃ \\u2028"', '"\\ud800"', '""']
    for (const id of [...numbers, ...texts, 'null', '{"a":[1]}', 'true']) {
      const before = client.lines.length
      client.send(`{"jsonrpc":"2.0","id":${id},"method":"tools/list"}\n`)
      await client.find(() => client.lines.length > before)
      expect.soft(client.lines[before]).toBe(`{"jsonrpc":"2.0","id":${id},"result":{"tools":[]}}`)
    }
  })

  it('may be used for two calls at once: each gets its own answer', async () => {
    const { spawn } = await setRawScene()
    const client = spawn()
    client.send(echo(1, 'one'))
    client.send(echo(1, 'two'))
    await client.find(() => client.lines.length === 2)
    const texts = client.lines.map((line) => JSON.parse(line).result.content[0].text as string)
    expect(texts.sort()).toEqual(['one', 'two'])
  })

  it('may be used by two clients at once: nothing crosses', async () => {
    const { spawn } = await setRawScene()
    const clients = [spawn(), spawn()]
    const answers = await Promise.all(
      clients.map(async (client, n) => {
        for (let call = 0; call < 100; call++) client.send(echo(call, `client ${n}`))
        await client.find(() => client.lines.length === 100)
        return client.lines.map((line) => JSON.parse(line).result.content[0].text as string)
      }),
    )
    expect(answers.map((texts) => [...new Set(texts)])).toEqual([['client 0'], ['client 1']])
  })
})

describe('what the bridge does not know', () => {
  it('is kept as it is: fields, methods and protocol versions', async () => {
    const { spawn, server } = await setRawScene()
    const client = spawn()
    const initialize =
      '{"future":1.0, "jsonrpc":"2.0","id":"a","method":"initialize","params":{"protocolVersion":"2099-01-01","x":{"y":[]}}}'
    client.send(`${initialize}\n`)
    expect((await client.find(({ id }) => id === 'a')).result.protocolVersion).toBe('2099-01-01')
    const unknown =
      '{"jsonrpc":"2.0","id":"b","method":"next/thing","_meta":{"é":"\\u00e9"},"params":[1,2.50]}'
    client.send(`${unknown}\n`)
    expect((await client.find(({ id }) => id === 'b')).result).toEqual({})
    const note = '{"jsonrpc":"2.0","method":"notifications/next","params":{"z":1e1}}'
    client.send(`${note}\n`)
    await expect.poll(() => server.received('notifications/next')).toEqual([note])
    expect([server.received('initialize'), server.received('next/thing')]).toEqual([[initialize], [unknown]])
    const [, second] = server.loopback.requestsOf('/mcp', 'POST')
    expect(second?.headers['mcp-protocol-version']).toBe('2099-01-01')
  })
})
