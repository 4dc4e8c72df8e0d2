import { setTimeout as sleep } from 'node:timers/promises'
import { McpServer, requireScopes } from '@modelcontextprotocol/server'
import { z } from 'zod'

/** What the tools did, for assertions. Empty when the server keeps nothing. */
export interface ToolRecord {
  /** The tools that ran, in order. A call that was refused before it ran is not here. */
  readonly calls: { readonly tool: string; readonly subject: string | undefined; readonly era: Era }[]
  /** Request ids of `wait` calls that were cancelled. */
  readonly cancelled: (string | number)[]
}

export type Era = 'modern' | 'legacy'

/** Scopes a call of a tool needs; the others need none. */
export type ToolScopes = Readonly<Record<string, readonly [string, ...string[]]>>

// Made once: a server is made for every request, and a schema costs more than a call.
const inputs = {
  echo: z.object({ text: z.string() }),
  write_issue: z.object({ title: z.string() }),
  big: z.object({ bytes: z.int().min(0) }),
  progress: z.object({ count: z.int().min(0), everyMs: z.number().min(0).default(0) }),
  slow: z.object({ ms: z.number().min(0) }),
  triage: z.object({ title: z.string() }),
}

/** One instance of the MCP server of the tests: the tools that the tests need, a resource, a prompt. */
export function createTools(era: Era, record: ToolRecord | undefined, scopes: ToolScopes): McpServer {
  const server = new McpServer(
    { name: 'issues', version: '1.0.0' },
    {
      instructions: 'A server for tests and demonstrations.',
      capabilities: { tools: { listChanged: true } },
    },
  )
  const note = (tool: string, subject: unknown): void => {
    record?.calls.push({ tool, era, subject: typeof subject === 'string' ? subject : undefined })
  }
  const guarded = (tool: string): { scopeChallenge?: ReturnType<typeof requireScopes> } =>
    scopes[tool] === undefined ? {} : { scopeChallenge: requireScopes(...scopes[tool]) }

  server.registerTool(
    'whoami',
    { description: 'Says who is signed in, and with which scopes.', ...guarded('whoami') },
    ({ http }) => {
      const { extra, scopes: granted = [], clientId } = http?.authInfo ?? {}
      note('whoami', extra?.subject)
      return text(
        JSON.stringify({ subject: extra?.subject ?? null, clientId: clientId ?? null, scopes: granted }),
      )
    },
  )
  server.registerTool(
    'echo',
    {
      description: 'Returns its text.',
      inputSchema: inputs.echo,
      ...guarded('echo'),
    },
    ({ text: said }, { http }) => {
      note('echo', http?.authInfo?.extra?.subject)
      return text(said)
    },
  )
  server.registerTool(
    'write_issue',
    {
      description: 'Files an issue.',
      inputSchema: inputs.write_issue,
      ...guarded('write_issue'),
    },
    ({ title }, { http }) => {
      note('write_issue', http?.authInfo?.extra?.subject)
      return text(`filed: ${title}`)
    },
  )
  server.registerTool(
    'big',
    {
      description: 'Returns a text of so many bytes.',
      inputSchema: inputs.big,
      ...guarded('big'),
    },
    ({ bytes }, { http }) => {
      note('big', http?.authInfo?.extra?.subject)
      return text('x'.repeat(bytes))
    },
  )
  server.registerTool(
    'progress',
    {
      description: 'Sends so many progress notifications. The message of each is when it was sent.',
      inputSchema: inputs.progress,
      ...guarded('progress'),
    },
    async ({ count, everyMs }, { mcpReq, http }) => {
      note('progress', http?.authInfo?.extra?.subject)
      const progressToken = mcpReq._meta?.progressToken
      if (progressToken === undefined) return text('nobody asked for progress')
      for (let progress = 1; progress <= count; progress++) {
        if (everyMs > 0) await sleep(everyMs)
        const message = String(performance.timeOrigin + performance.now())
        await mcpReq.notify({
          method: 'notifications/progress',
          params: { progressToken, progress, total: count, message },
        })
      }
      return text(`sent ${count}`)
    },
  )
  server.registerTool(
    'slow',
    {
      description: 'Answers after so many milliseconds.',
      inputSchema: inputs.slow,
      ...guarded('slow'),
    },
    async ({ ms }, { mcpReq, http }) => {
      note('slow', http?.authInfo?.extra?.subject)
      await sleep(ms, undefined, { signal: mcpReq.signal })
      return text(`waited ${ms} ms`)
    },
  )
  server.registerTool(
    'wait',
    { description: 'Never answers; notes when it is cancelled.', ...guarded('wait') },
    async ({ mcpReq, http }) => {
      note('wait', http?.authInfo?.extra?.subject)
      await new Promise((resolve) => mcpReq.signal.addEventListener('abort', resolve, { once: true }))
      record?.cancelled.push(mcpReq.id)
      return text('cancelled')
    },
  )
  server.registerResource(
    'readme',
    'issues://readme',
    { description: 'What this server is.', mimeType: 'text/plain' },
    ({ href }) => ({ contents: [{ uri: href, mimeType: 'text/plain', text: 'Issues, for tests.' }] }),
  )
  server.registerPrompt(
    'triage',
    { description: 'Asks to sort an issue.', argsSchema: inputs.triage },
    ({ title }) => ({
      messages: [{ role: 'user', content: { type: 'text', text: `Sort this issue: ${title}` } }],
    }),
  )
  return server
}

function text(value: string): { content: [{ type: 'text'; text: string }] } {
  return { content: [{ type: 'text', text: value }] }
}
