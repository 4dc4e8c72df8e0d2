import type { CallToolResult, ElicitRequestFormParams, McpServer } from '@modelcontextprotocol/server'
import { z } from 'zod'
import { text } from './content.ts'

type Form = ElicitRequestFormParams['requestedSchema']

/** The tools that ask the client in the middle of a call, as sessions up to 2025-11-25 do. */
export function registerAskingTools(server: McpServer): void {
  server.registerTool(
    'test_sampling',
    { description: 'Asks the model of the client.', inputSchema: z.object({ prompt: z.string() }) },
    async ({ prompt }, { mcpReq }) => {
      const messages = [{ role: 'user' as const, content: { type: 'text' as const, text: prompt } }]
      const { content } = await mcpReq.send({
        method: 'sampling/createMessage',
        params: { messages, maxTokens: 100 },
      })
      return text(`LLM response: ${JSON.stringify(content)}`)
    },
  )
  server.registerTool(
    'test_elicitation',
    { description: 'Asks the person.', inputSchema: z.object({ message: z.string() }) },
    async ({ message }, { mcpReq }) =>
      answerOf('User response', await mcpReq.send(form(message, contactForm))),
  )
  server.registerTool(
    'test_elicitation_sep1034_defaults',
    { description: 'Asks with defaults for every kind of field.' },
    async ({ mcpReq }) =>
      answerOf('Elicitation completed', await mcpReq.send(form('Review the defaults.', defaultsForm))),
  )
  server.registerTool(
    'test_elicitation_sep1330_enums',
    { description: 'Asks with every kind of choice.' },
    async ({ mcpReq }) => answerOf('Elicitation completed', await mcpReq.send(form('Choose.', choicesForm))),
  )
}

const contactForm: Form = {
  type: 'object',
  properties: {
    username: { type: 'string', description: "User's response" },
    email: { type: 'string', description: "User's email address" },
  },
  required: ['username', 'email'],
}

const defaultsForm: Form = {
  type: 'object',
  properties: {
    name: { type: 'string', default: 'John Doe' },
    age: { type: 'integer', default: 30 },
    score: { type: 'number', default: 95.5 },
    status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
    verified: { type: 'boolean', default: true },
  },
}

const plain = ['option1', 'option2', 'option3']
const titled = ['First', 'Second', 'Third'].map((title, i) => ({ const: `value${i + 1}`, title }))

const choicesForm: Form = {
  type: 'object',
  properties: {
    untitledSingle: { type: 'string', enum: plain },
    titledSingle: { type: 'string', oneOf: titled },
    legacyEnum: {
      type: 'string',
      enum: ['opt1', 'opt2', 'opt3'],
      enumNames: ['Option One', 'Option Two', 'Option Three'],
    },
    untitledMulti: { type: 'array', items: { type: 'string', enum: plain } },
    titledMulti: { type: 'array', items: { anyOf: titled } },
  },
}

function form(message: string, requestedSchema: Form) {
  return { method: 'elicitation/create' as const, params: { message, requestedSchema } }
}

function answerOf(what: string, { action, content }: { action: string; content?: unknown }): CallToolResult {
  return text(`${what}: action=${action}, content=${JSON.stringify(content ?? {})}`)
}
