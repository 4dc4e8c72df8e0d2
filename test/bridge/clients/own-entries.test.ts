import { describe, expect, it } from 'vitest'
import { clientKey, own } from './fixtures.ts'

describe('an entry is ours', () => {
  it.each([
    [`http://127.0.0.1:47330/${clientKey}/linear/mcp`, 'linear'],
    [`http://localhost:47330/${clientKey}/linear-work/mcp`, 'linear-work'],
    [`http://[::1]:47330/${clientKey}/mcp`, undefined],
    ['http://127.0.0.1:47330/another-key-of-before/linear/mcp', 'linear'],
    [`http://127.0.0.1:47331/${clientKey}/linear/mcp`, 'linear'],
  ])('by its address %s', (url, connection) => {
    expect(own.byAddress(url)).toEqual({ connection })
  })

  it.each([
    'https://127.0.0.1:47330/k7Jq2sWv9xYt4bNc8LmR/linear/mcp',
    'http://127.0.0.1:3000/another-key-of-before/linear/mcp',
    'http://127.0.0.1.example.com:47330/k7Jq2sWv9xYt4bNc8LmR/linear/mcp',
    'http://127.0.0.1:47330/mcp',
    'http://127.0.0.1:47330/short/mcp',
    'http://127.0.0.1:47330/k7Jq2sWv9xYt4bNc8LmR/linear/sse',
    'http://127.0.0.1:47330/k7Jq2sWv9xYt4bNc8LmR/Not--an--id/mcp',
    'not an address',
  ])('never by the address %s', (url) => {
    expect(own.byAddress(url)).toBeUndefined()
  })

  it.each([
    ['/usr/bin/node', ['/opt/bridgekeeper/dist/stdio.cjs', '--client=junie'], undefined],
    [
      'C:\\Program Files\\nodejs\\node.exe',
      ['D:\\elsewhere\\stdio.cjs', 'linear', '--client=junie'],
      'linear',
    ],
    ['bridgekeeper', ['stdio', 'linear'], 'linear'],
    ['/usr/local/bin/bridgekeeper', ['stdio'], undefined],
    ['cmd', ['/c', 'bridgekeeper.cmd', 'stdio', 'linear'], 'linear'],
  ])('by its program %s %j', (command, args, connection) => {
    expect(own.byProgram(command, args)).toEqual({ connection })
  })

  it.each([
    ['node', ['server.js', 'stdio']],
    ['node', ['/elsewhere/stdio.cjs', 'linear']],
    ['bridgekeeper', ['serve']],
    ['npx', ['-y', 'mcp-remote', 'https://x.example/stdio.cjs']],
  ])('never by the program %s %j', (command, args) => {
    expect(own.byProgram(command, args)).toBeUndefined()
  })
})
