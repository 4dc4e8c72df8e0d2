import { Agent, request, type IncomingMessage } from 'node:http'
import { answerQuestions } from './questions.ts'
import { messages, now, token, type Place, type Tool } from './scenario.ts'

/** Calls of one window: how many in a second, and how long each took in milliseconds. */
export interface Load {
  readonly callsPerSecond: number
  readonly p50: number
  readonly p99: number
}

/** How the progress messages of one call arrived, in milliseconds from the server's write to the client's read. */
export interface Lateness {
  readonly median: number
  readonly worst: number
}

/** The client. It measures, and fails when a call fails or a message is lost or out of order. */
export type LoadQuestions = {
  load: { in: Place & { inFlight: number; ms: number }; out: Load }
  result: { in: Place & { tool: 'result-1' | 'result-10' }; out: { ms: number; bytes: number } }
  progress: { in: Place & { tool: 'burst' | 'paced' }; out: Lateness }
}

const agent = new Agent({ keepAlive: true, noDelay: true, maxSockets: 64 })

/** Calls a tool as a client of the current revision does. */
function call({ url, isDirect }: Place, tool: Tool): Promise<IncomingMessage> {
  const { hostname, port, pathname: path } = new URL(url)
  const body = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: {
      name: tool,
      arguments: { text: 'The quick brown fox jumps over the lazy dog.' },
      _meta: {
        'io.modelcontextprotocol/protocolVersion': '2026-07-28',
        'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1.0.0' },
        'io.modelcontextprotocol/clientCapabilities': {},
      },
    },
  })
  const headers = {
    accept: 'application/json, text/event-stream',
    'accept-language': '*',
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'mcp-method': 'tools/call',
    'mcp-name': tool,
    'mcp-protocol-version': '2026-07-28',
    'user-agent': 'node',
    ...(isDirect ? { authorization: `Bearer ${token}` } : {}),
  }
  return new Promise((resolve, reject) => {
    const sent = request({ agent, hostname, port, path, method: 'POST', headers }, (answer) => {
      if (answer.statusCode === 200) resolve(answer)
      else reject(new Error(`the answer was ${answer.statusCode}`))
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

async function readAll(answer: IncomingMessage, each?: (chunk: Buffer) => void): Promise<number> {
  let length = 0
  answer.on('data', (chunk: Buffer) => {
    length += chunk.length
    each?.(chunk)
  })
  await new Promise<void>((resolve, reject) => {
    answer.on('end', resolve)
    answer.on('close', () => reject(new Error('the answer was cut')))
  })
  return length
}

/** The value below which this share of the sorted numbers lies. */
function share(sorted: readonly number[], part: number): number {
  return sorted[Math.floor((sorted.length - 1) * part)] ?? Number.NaN
}

answerQuestions<LoadQuestions>({
  async load({ inFlight, ms, ...place }) {
    const took: number[] = []
    const start = now()
    const callOnAndOn = async (): Promise<void> => {
      for (let begun = now(); begun - start < ms;) {
        await readAll(await call(place, 'echo'))
        const ended = now()
        took.push(ended - begun)
        begun = ended
      }
    }
    await Promise.all(Array.from({ length: inFlight }, callOnAndOn))
    const seconds = (now() - start) / 1000
    took.sort((a, b) => a - b)
    return { callsPerSecond: took.length / seconds, p50: share(took, 0.5), p99: share(took, 0.99) }
  },

  async result({ tool, ...place }) {
    const start = now()
    const bytes = await readAll(await call(place, tool))
    return { ms: now() - start, bytes }
  },

  async progress({ tool, ...place }) {
    const late: number[] = []
    let text = ''
    await readAll(await call(place, tool), (chunk) => {
      const at = now()
      const events = (text + chunk.toString()).split('\n\n')
      text = events.pop() ?? ''
      for (const event of events) {
        const message = JSON.parse(event.slice(event.indexOf('{'))) as {
          params?: { progress: number; at: number }
        }
        if (!message.params) continue
        late.push(at - message.params.at)
        if (message.params.progress !== late.length)
          throw new Error(`message ${late.length} is not the next one`)
      }
    })
    if (late.length !== messages) throw new Error(`${messages - late.length} messages were lost`)
    late.sort((a, b) => a - b)
    return { median: share(late, 0.5), worst: share(late, 1) }
  },
})
