import { request as httpRequest } from 'node:http'

/** What came back for one call, and nothing interpreted. */
export interface RawAnswer {
  readonly status: number
  readonly headers: Record<string, string | string[] | undefined>
  readonly body: string
}

let lastId = 0

/** The headers and body of a `tools/call` of revision 2026-07-28. */
export function toolCall(
  name: string,
  args: Record<string, unknown> = {},
): { headers: Record<string, string>; body: string } {
  const version = '2026-07-28'
  return {
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': version,
      'mcp-method': 'tools/call',
      'mcp-name': name,
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: ++lastId,
      method: 'tools/call',
      params: {
        name,
        arguments: args,
        _meta: {
          'io.modelcontextprotocol/protocolVersion': version,
          'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '1' },
          'io.modelcontextprotocol/clientCapabilities': {},
        },
      },
    }),
  }
}

/** Calls a tool with one plain POST that knows nothing of auth. Rejects when the connection is cut. */
export function callRaw(
  endpoint: string,
  name: string,
  args: Record<string, unknown> = {},
  options: { signal?: AbortSignal } = {},
): Promise<RawAnswer> {
  const { headers, body } = toolCall(name, args)
  return new Promise((resolve, reject) => {
    const sent = httpRequest(endpoint, { method: 'POST', headers, agent: false, ...options }, (answer) => {
      let text = ''
      answer.setEncoding('utf8')
      answer.on('data', (piece: string) => (text += piece))
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: text }))
      answer.on('error', reject)
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

/** The failure's code in an answer of the bridge, be it an error or the result of a call that could not be made; or undefined. */
export function failureCode(answer: RawAnswer): string | undefined {
  try {
    const body = JSON.parse(answer.body) as {
      error?: { data?: { code?: string } }
      result?: { _meta?: Record<string, { code?: string }> }
    }
    return body.error?.data?.code ?? body.result?._meta?.['bridgekeeper/failure']?.code
  } catch {
    return undefined
  }
}
