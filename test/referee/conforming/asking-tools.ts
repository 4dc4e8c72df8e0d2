import {
  inputRequired,
  type CallToolResult,
  type ElicitRequestFormParams,
  type InputRequiredResult,
  type McpServer,
  type ServerContext,
} from '@modelcontextprotocol/server'
import { z } from 'zod'
import { text } from './content.ts'

type Form = ElicitRequestFormParams['requestedSchema']

/**
 * The tools that ask the client in the middle of a call. The library turns these questions into requests of a session, which the scenarios up
 * to 2025-11-25 look at.
 */
export function registerAskingTools(server: McpServer): void {
  server.registerTool(
    'test_sampling',
    { description: 'Asks the model of the client.', inputSchema: z.object({ prompt: z.string() }) },
    ({ prompt }, { mcpReq: { inputResponses } }) => {
      const messages = [{ role: 'user' as const, content: { type: 'text' as const, text: prompt } }]
      const answer = inputResponses?.['answer']
      if (answer !== undefined) return text(`LLM response: ${JSON.stringify(answer)}`)
      return inputRequired({
        inputRequests: { answer: inputRequired.createMessage({ messages, maxTokens: 100 }) },
      })
    },
  )
  server.registerTool(
    'test_elicitation',
    { description: 'Asks the person.', inputSchema: z.object({ message: z.string() }) },
    ({ message }, context) => ask('User response', context, message, contactForm),
  )
  server.registerTool(
    'test_elicitation_sep1034_defaults',
    { description: 'Asks with defaults for every kind of field.' },
    (context) => ask('Elicitation completed', context, 'Review the defaults.', defaultsForm),
  )
  server.registerTool(
    'test_elicitation_sep1330_enums',
    { description: 'Asks with every kind of choice.' },
    (context) => ask('Elicitation completed', context, 'Choose.', choicesForm),
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

function ask(
  what: string,
  { mcpReq: { inputResponses } }: ServerContext,
  message: string,
  requestedSchema: Form,
): CallToolResult | InputRequiredResult {
  const answer = inputResponses?.['answer'] as { action: string; content?: unknown } | undefined
  return answer === undefined
    ? inputRequired({ inputRequests: { answer: inputRequired.elicit({ message, requestedSchema }) } })
    : text(`${what}: action=${answer.action}, content=${JSON.stringify(answer.content ?? {})}`)
}
