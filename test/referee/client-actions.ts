import { Client, StreamableHTTPClientTransport, type ClientOptions } from '@modelcontextprotocol/client'
import { z } from 'zod'
import { BridgeError, Failure } from '../../shared/errors.ts'

/** What the referee tells its client, by `MCP_CONFORMANCE_*`. */
export interface Assignment {
  readonly scenario: string
  /** The revision of the protocol to speak, such as `2026-07-28`. */
  readonly revision: string
  /** `MCP_CONFORMANCE_CONTEXT`, whose shape depends on the scenario. */
  readonly context: unknown
}

type Action = (client: Client, assignment: Assignment) => Promise<void>

/** What a client has to do in a scenario, where it is more than to list the tools and call the one that all servers of sign-ins have. */
const actions: Readonly<Record<string, Action>> = {
  initialize: listOnly,
  'request-metadata': listOnly,
  'json-schema-ref-no-deref': listOnly,
  tools_call: (client) => call(client, 'add_numbers', { a: 5, b: 3 }),
  'sse-retry': (client) => call(client, 'test_reconnection'),
  'elicitation-sep1034-client-defaults': (client) => call(client, 'test_client_elicitation_defaults'),
  'http-standard-headers': useEverything,
  'http-custom-headers': callAsTold,
  'http-invalid-tool-headers': callAllThatAreListed,
  'sep-2322-client-request-state': answerQuestions,
  'json-schema-2020-12-preservation': echoSchema,
}

/** Scenarios whose client can fill in forms. */
const formFillers: Readonly<Record<string, Record<string, boolean>>> = {
  'elicitation-sep1034-client-defaults': {},
  'sep-2322-client-request-state': { confirmed: true },
}

/**
 * Does what a scenario asks of an MCP client at a local endpoint, knowing nothing of any sign-in. Rejects with the bridge's error where the
 * bridge answered with one.
 */
export async function actAsClient(endpoint: string, assignment: Assignment): Promise<void> {
  let failure: Failure | undefined
  const transport = new StreamableHTTPClientTransport(new URL(endpoint), {
    async fetch(url, init) {
      const response = await fetch(url, init)
      if (!response.ok) failure = await failureIn(response.clone())
      return response
    },
  })
  const client = createClient(assignment)
  try {
    await client.connect(transport)
    const spoken = client.getNegotiatedProtocolVersion()
    if (isModern(assignment) && spoken !== assignment.revision) throw new Error(`it speaks ${spoken}`)
    await (actions[assignment.scenario] ?? callTestTool)(client, assignment)
    await transport.terminateSession()
  } catch (thrown) {
    if (failure) throw new BridgeError(failure.code, failure.detail)
    throw thrown
  } finally {
    await client.close()
  }
}

function createClient(assignment: Assignment): Client {
  const form = formFillers[assignment.scenario]
  const options: ClientOptions = {
    capabilities: form ? { elicitation: { form: { applyDefaults: true } } } : {},
    versionNegotiation: { mode: isModern(assignment) ? 'auto' : 'legacy' },
  }
  const client = new Client({ name: 'referee-client', version: '1.0.0' }, options)
  if (form) client.setRequestHandler('elicitation/create', () => ({ action: 'accept', content: form }))
  return client
}

/** From this revision on there are no sessions. */
function isModern({ revision }: Assignment): boolean {
  return revision >= '2026-07-28'
}

async function callTestTool(client: Client): Promise<void> {
  await call(client, 'test-tool')
}

async function listOnly(client: Client): Promise<void> {
  await client.listTools()
}

async function call(client: Client, name: string, args: Record<string, unknown> = {}): Promise<void> {
  // A tool that is not listed is called all the same: a server whose sign-in ended has no list, and says so in the result.
  await client.listTools()
  const { _meta } = await client.callTool({ name, arguments: args })
  const failure = Failure.safeParse(_meta?.['bridgekeeper/failure'])
  if (failure.success) throw new BridgeError(failure.data.code, failure.data.detail)
}

async function useEverything(client: Client): Promise<void> {
  const { tools } = await client.listTools()
  for (const { name } of tools) await client.callTool({ name, arguments: {} })
  const { resources } = await client.listResources()
  for (const { uri } of resources) await client.readResource({ uri })
  const { prompts } = await client.listPrompts()
  for (const { name } of prompts) await client.getPrompt({ name })
}

const ToolCalls = z.object({
  toolCalls: z.array(z.object({ name: z.string(), arguments: z.record(z.string(), z.unknown()) })),
})

async function callAsTold(client: Client, { context }: Assignment): Promise<void> {
  await client.listTools()
  for (const toolCall of ToolCalls.parse(context).toolCalls) await client.callTool(toolCall)
}

async function callAllThatAreListed(client: Client): Promise<void> {
  const { tools } = await client.listTools()
  for (const { name } of tools) await client.callTool({ name, arguments: { region: 'us-west1' } })
}

async function answerQuestions(client: Client): Promise<void> {
  for (const name of ['echo_state', 'no_state', 'unrelated']) {
    await client.callTool({ name: `test_mrtr_${name}`, arguments: {} })
  }
  // A result without its type is complete for the referee, and against the protocol for the library; neither asks again.
  await client.callTool({ name: 'test_mrtr_no_result_type', arguments: {} }).catch(() => undefined)
}

async function echoSchema(client: Client): Promise<void> {
  const { tools } = await client.listTools()
  const schema = tools.find(({ name }) => name === 'json_schema_2020_12_tool')?.inputSchema
  await client.callTool({ name: 'json_schema_echo', arguments: { schema } })
}

/** The body with which the gateway answers a failure. */
const FailedAnswer = z.object({ error: z.object({ data: Failure }) })

async function failureIn(response: Response): Promise<Failure | undefined> {
  const answer = FailedAnswer.safeParse(await response.json().catch(() => undefined))
  return answer.data?.error.data
}
