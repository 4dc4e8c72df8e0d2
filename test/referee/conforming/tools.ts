import { setTimeout as sleep } from 'node:timers/promises'
import { fromJsonSchema, type McpServer } from '@modelcontextprotocol/server'
import { redPixel, silence, text } from './content.ts'

/** What the tools announce: to open `subscriptions/listen` streams, or to their own session. */
export interface ChangeNews {
  toolsChanged(): void
  promptsChanged(): void
}

/** How far apart the messages of one call are, in milliseconds, so that a client sees that they come one by one. */
const pauseMs = 50

/** The tools that only answer: each kind of content, an error, log messages and progress on the way, and announcements. */
export function registerTools(server: McpServer, news: ChangeNews): void {
  registerContent(server)
  registerMessages(server)
  registerSchemas(server)
  server.registerTool(
    'test_trigger_tool_change',
    { description: 'Announces that the tools changed.' },
    () => {
      news.toolsChanged()
      return text('announced')
    },
  )
  server.registerTool(
    'test_trigger_prompt_change',
    { description: 'Announces that the prompts changed.' },
    () => {
      news.promptsChanged()
      return text('announced')
    },
  )
}

function registerContent(server: McpServer): void {
  server.registerTool('test_simple_text', { description: 'Answers with text.' }, () =>
    text('This is a simple text response for testing.'),
  )
  server.registerTool('test_image_content', { description: 'Answers with an image.' }, () => ({
    content: [{ type: 'image', data: redPixel, mimeType: 'image/png' }],
  }))
  server.registerTool('test_audio_content', { description: 'Answers with a sound.' }, () => ({
    content: [{ type: 'audio', data: silence, mimeType: 'audio/wav' }],
  }))
  server.registerTool('test_embedded_resource', { description: 'Answers with a resource.' }, () => ({
    content: [
      {
        type: 'resource',
        resource: {
          uri: 'test://embedded-resource',
          mimeType: 'text/plain',
          text: 'This is an embedded resource content.',
        },
      },
    ],
  }))
  server.registerTool('test_multiple_content_types', { description: 'Answers with several kinds.' }, () => ({
    content: [
      { type: 'text', text: 'Multiple content types test:' },
      { type: 'image', data: redPixel, mimeType: 'image/png' },
      {
        type: 'resource',
        resource: {
          uri: 'test://mixed-content-resource',
          mimeType: 'application/json',
          text: JSON.stringify({ test: 'data', value: 123 }),
        },
      },
    ],
  }))
  server.registerTool('test_error_handling', { description: 'Always fails.' }, () => {
    throw new Error('This tool intentionally returns an error for testing')
  })
  server.registerTool('test_streaming_elicitation', { description: 'Answers and asks for nothing.' }, () =>
    text('there is nothing to ask'),
  )
}

function registerMessages(server: McpServer): void {
  server.registerTool(
    'test_tool_with_logging',
    { description: 'Logs three times.' },
    async ({ mcpReq: { notify } }) => {
      const log = (data: string): Promise<void> =>
        notify({ method: 'notifications/message', params: { level: 'info', data } })
      await log('Tool execution started')
      await sleep(pauseMs)
      await log('Tool processing data')
      await sleep(pauseMs)
      await log('Tool execution completed')
      return text('logged three times')
    },
  )
  server.registerTool(
    'test_logging_tool',
    { description: 'Logs to who asked for it.' },
    async ({ mcpReq }) => {
      await mcpReq.log('info', 'only for a request that names a level')
      return text('logged')
    },
  )
  server.registerTool(
    'test_tool_with_progress',
    { description: 'Reports progress.' },
    async ({ mcpReq: { notify, _meta } }) => {
      const progressToken = _meta?.progressToken
      for (const progress of [0, 50, 100]) {
        if (progress > 0) await sleep(pauseMs)
        if (progressToken === undefined) continue
        await notify({ method: 'notifications/progress', params: { progressToken, progress, total: 100 } })
      }
      return text('done')
    },
  )
}

/** Schemas written by hand, since they hold words that a schema library would not write. */
function registerSchemas(server: McpServer): void {
  const region = { type: 'string' as const, 'x-mcp-header': 'Region' }
  server.registerTool(
    'test_x_mcp_header',
    {
      description: 'Takes an argument that clients repeat in a header.',
      inputSchema: fromJsonSchema<{ region?: string }>({ type: 'object', properties: { region } }),
    },
    (args) => text(`region ${args.region ?? 'not given'}`),
  )
  server.registerTool(
    'json_schema_2020_12_tool',
    {
      description: 'Takes an address book entry, by a schema of draft 2020-12.',
      inputSchema: fromJsonSchema({
        $schema: 'https://json-schema.org/draft/2020-12/schema',
        type: 'object',
        $defs: {
          address: {
            $anchor: 'addressDef',
            type: 'object',
            properties: { street: { type: 'string' }, city: { type: 'string' } },
          },
        },
        properties: {
          name: { type: 'string' },
          address: { $ref: '#/$defs/address' },
          contactMethod: { type: 'string', enum: ['phone', 'email'] },
          phone: { type: 'string' },
          email: { type: 'string' },
        },
        allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
        if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
        // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
        then: { required: ['phone'] },
        else: { required: ['email'] },
        additionalProperties: false,
      }),
    },
    (args) => text(JSON.stringify(args)),
  )
}
