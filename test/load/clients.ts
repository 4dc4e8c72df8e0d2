import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Agent, request, type IncomingMessage } from 'node:http'
import { fileURLToPath } from 'node:url'
import { Account, type Heard } from './account.ts'

const shim = fileURLToPath(new URL('../../dist/stdio.cjs', import.meta.url))

/** The two eras that a client may speak. */
type Era = 'older' | 'current'

/** One client of the bridge under load. */
export interface LoadClient {
  readonly account: Account
  /** Says what its era wants said first. */
  open(): Promise<void>
  /** Makes one call; resolves with its answer, right or wrong. */
  call(wantsProgress: boolean): Promise<void>
  /** Ends it; resolves when nothing of it remains. */
  stop(): Promise<void>
}

const initialize = {
  jsonrpc: '2.0',
  id: 0,
  method: 'initialize',
  params: {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'load', version: '1.0.0' },
  },
}
const initialized = { jsonrpc: '2.0', method: 'notifications/initialized' }

const currentMeta = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'load', version: '1.0.0' },
  'io.modelcontextprotocol/clientCapabilities': {},
}

function callOf(era: Era, id: number, nonce: string, wantsProgress: boolean): object {
  const meta = { ...(era === 'current' ? currentMeta : {}), ...(wantsProgress ? { progressToken: id } : {}) }
  const _meta = Object.keys(meta).length > 0 ? { _meta: meta } : {}
  return {
    jsonrpc: '2.0',
    id,
    method: 'tools/call',
    params: { name: 'echo', arguments: { nonce }, ..._meta },
  }
}

/** What tells a client where it calls and how its faults are kept. */
export interface ClientOptions {
  readonly name: string
  readonly era: Era
  readonly faults: string[]
}

/** A client app that spawned the built shim. */
export function startShim(
  { name, era, faults }: ClientOptions,
  { connection, app, env }: { connection: string; app: string; env: NodeJS.ProcessEnv },
): LoadClient {
  const account = new Account(name, faults)
  const command = [shim, connection, '--client', app]
  const child = spawn(process.execPath, command, { env, stdio: ['pipe', 'pipe', 'ignore'] })
  const exited = once(child, 'exit')
  let isStopped = false
  let begun = (): void => undefined
  let rest = ''
  child.stdin.on('error', () => undefined)
  child.on('exit', () => {
    if (!isStopped) account.fault('the shim ended')
  })
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    const lines = (rest + piece).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const message = parse(line)
      if (!message) account.fault(`said ${line.slice(0, 100)}`)
      else if (message.id === 0) begun()
      else account.hear(message)
    }
  })
  const say = (message: object): void => void child.stdin.write(`${JSON.stringify(message)}\n`)
  return {
    account,
    async open() {
      if (era === 'current') return
      const answered = new Promise<void>((resolve) => (begun = resolve))
      say(initialize)
      await answered
      say(initialized)
    },
    call(wantsProgress) {
      const { id, nonce, answered } = account.open(wantsProgress)
      say(callOf(era, id, nonce, wantsProgress))
      return answered
    },
    async stop() {
      isStopped = true
      child.kill('SIGKILL')
      await exited
    },
  }
}

/** A client app that speaks HTTP, with connections of its own. */
export function startHttpClient({ name, era, faults }: ClientOptions, endpoint: string): LoadClient {
  const account = new Account(name, faults)
  const agent = new Agent({ keepAlive: true, noDelay: true })
  const { hostname, port, pathname: path } = new URL(endpoint)
  let session: Record<string, string> = {}

  async function post(message: object, headers: Record<string, string> = {}): Promise<IncomingMessage> {
    const body = JSON.stringify(message)
    const sent = request({
      agent,
      hostname,
      port,
      path,
      method: 'POST',
      headers: {
        accept: 'application/json, text/event-stream',
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        ...session,
        ...headers,
      },
    })
    sent.end(body)
    const [answer] = (await once(sent, 'response')) as [IncomingMessage]
    return answer
  }

  return {
    account,
    async open() {
      if (era === 'current') return
      const answer = await post(initialize)
      await textOf(answer)
      session = {
        'mcp-session-id': String(answer.headers['mcp-session-id']),
        'mcp-protocol-version': '2025-11-25',
      }
      await textOf(await post(initialized))
    },
    async call(wantsProgress) {
      const { id, nonce } = account.open(wantsProgress)
      const own: Record<string, string> =
        era === 'current'
          ? { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'echo' }
          : {}
      try {
        const answer = await post(callOf(era, id, nonce, wantsProgress), own)
        for (const message of messagesIn(answer, await textOf(answer))) account.hear(message)
      } catch (thrown) {
        account.fault(`call ${id} failed: ${String(thrown)}`)
      }
    },
    async stop() {
      agent.destroy()
    },
  }
}

async function textOf(answer: IncomingMessage): Promise<string> {
  let text = ''
  for await (const piece of answer.setEncoding('utf8')) text += piece as string
  return text
}

function messagesIn({ headers }: IncomingMessage, text: string): Heard[] {
  const texts = headers['content-type']?.startsWith('text/event-stream')
    ? text.split('\n').flatMap((line) => (line.startsWith('data: ') ? [line.slice(6)] : []))
    : [text]
  return texts.map((one) => JSON.parse(one) as Heard)
}

function parse(line: string): Heard | undefined {
  try {
    return JSON.parse(line) as Heard
  } catch {
    return undefined
  }
}
