import {
  acceptedContent,
  CLIENT_CAPABILITIES_META_KEY,
  inputRequired,
  type ClientCapabilities,
  type InputRequests,
  type McpServer,
  type RequestStateCodec,
} from '@modelcontextprotocol/server'
import { text } from './content.ts'

/** What a call remembers between its rounds. The client carries it, sealed. */
export interface RoundState {
  readonly tool: string
  readonly round: number
  readonly name?: string
}

const nameForm = formFor('What is your name?', 'name', 'string')
const confirmForm = formFor('Please confirm.', 'ok', 'boolean')
const model = inputRequired.createMessage({
  messages: [{ role: 'user', content: { type: 'text', text: 'What is the capital of France?' } }],
  maxTokens: 100,
})
const roots = inputRequired.listRoots()

/** The tools that ask the client by their result and are called again with the answers, as 2026-07-28 does. */
export function registerInputTools(server: McpServer, codec: RequestStateCodec<RoundState>): void {
  registerSingleQuestions(server)
  registerStates(server, codec)
  server.registerTool(
    'test_input_required_result_multiple_inputs',
    { description: 'Asks the person, the model and for the roots at once.' },
    async ({ mcpReq: { inputResponses } }) => {
      const name = acceptedContent<{ name: string }>(inputResponses, 'user_name')?.name
      const isComplete = name !== undefined && has(inputResponses, 'greeting', 'client_roots')
      if (isComplete) return text(`Hello, ${name}!`)
      return inputRequired({
        inputRequests: { user_name: nameForm, greeting: model, client_roots: roots },
        requestState: await codec.mint({ tool: 'multiple_inputs', round: 1 }),
      })
    },
  )
  server.registerTool(
    'test_input_required_result_capabilities',
    { description: 'Asks only for what the client says it can do.' },
    ({ mcpReq: { inputResponses, envelope } }) => {
      // The types of the library leave the envelope's fields out. A session has none, and its capabilities are said once.
      const declared = envelope as Record<string, ClientCapabilities | undefined> | undefined
      const capabilities = declared?.[CLIENT_CAPABILITIES_META_KEY] ?? server.server.getClientCapabilities()
      const { elicitation, sampling, roots: hasRoots } = capabilities ?? {}
      const inputRequests: InputRequests = {
        ...(elicitation && { user_name: nameForm }),
        ...(sampling && { greeting: model }),
        ...(hasRoots && { client_roots: roots }),
      }
      const asksNothing = inputResponses !== undefined || Object.keys(inputRequests).length === 0
      return asksNothing ? text('done') : inputRequired({ inputRequests })
    },
  )
}

function registerSingleQuestions(server: McpServer): void {
  server.registerTool(
    'test_missing_capability',
    { description: 'Needs the model of the client.' },
    ({ mcpReq: { inputResponses } }) =>
      has(inputResponses, 'answer') ? text('answered') : inputRequired({ inputRequests: { answer: model } }),
  )
  server.registerTool(
    'test_input_required_result_elicitation',
    { description: 'Asks the person.' },
    ({ mcpReq: { inputResponses } }) => {
      const name = acceptedContent<{ name?: unknown }>(inputResponses, 'user_name')?.name
      return typeof name === 'string'
        ? text(`Hello, ${name}!`)
        : inputRequired({ inputRequests: { user_name: nameForm } })
    },
  )
  server.registerTool(
    'test_input_required_result_sampling',
    { description: 'Asks the model.' },
    ({ mcpReq: { inputResponses } }) =>
      has(inputResponses, 'capital_question')
        ? text(JSON.stringify(inputResponses?.['capital_question']))
        : inputRequired({ inputRequests: { capital_question: model } }),
  )
  server.registerTool(
    'test_input_required_result_list_roots',
    { description: 'Asks for the roots.' },
    ({ mcpReq: { inputResponses } }) =>
      has(inputResponses, 'client_roots')
        ? text(JSON.stringify(inputResponses?.['client_roots']))
        : inputRequired({ inputRequests: { client_roots: roots } }),
  )
}

function registerStates(server: McpServer, codec: RequestStateCodec<RoundState>): void {
  for (const tool of ['request_state', 'tampered_state']) {
    server.registerTool(
      `test_input_required_result_${tool}`,
      { description: 'Asks for a confirmation and gives the client a sealed state to carry.' },
      async ({ mcpReq: { inputResponses, requestState } }) => {
        const isConfirmed = acceptedContent(inputResponses, 'confirm') !== undefined
        if (isConfirmed && requestState<RoundState>()?.tool === tool) return text('state-ok')
        return inputRequired({
          inputRequests: { confirm: confirmForm },
          requestState: await codec.mint({ tool, round: 1 }),
        })
      },
    )
  }
  server.registerTool(
    'test_input_required_result_multi_round',
    { description: 'Asks two questions, one after the other.' },
    async ({ mcpReq: { inputResponses, requestState } }) => {
      const tool = 'multi_round'
      const state = requestState<RoundState>()
      const round = state?.tool === tool ? state.round : 0
      const name = state?.name ?? acceptedContent<{ name: string }>(inputResponses, 'step1')?.name
      const color = acceptedContent<{ color: string }>(inputResponses, 'step2')?.color
      if (round === 2 && color !== undefined) return text(`${name} likes ${color}`)
      const isSecond = round > 0 && name !== undefined
      return inputRequired({
        inputRequests: isSecond
          ? { step2: formFor('What is your favorite color?', 'color', 'string') }
          : { step1: nameForm },
        requestState: await codec.mint(isSecond ? { tool, round: 2, name } : { tool, round: 1 }),
      })
    },
  )
}

/** A question with one field, for the person. */
export function formFor(message: string, field: string, type: 'string' | 'boolean') {
  return inputRequired.elicit({
    message,
    requestedSchema: {
      type: 'object',
      properties: { [field]: type === 'string' ? { type } : { type } },
      required: [field],
    },
  })
}

function has(responses: object | undefined, ...keys: string[]): boolean {
  return responses !== undefined && keys.every((key) => key in responses)
}
