import {
  acceptedContent,
  inputRequired,
  ResourceTemplate,
  type GetPromptResult,
  type InputRequiredResult,
  type McpServer,
  type ServerContext,
} from '@modelcontextprotocol/server'
import { z } from 'zod'
import { redPixel } from './content.ts'
import { formFor } from './input-tools.ts'

/** Resources of each kind, and subscriptions, of which a session may have many. */
export function registerResources(server: McpServer): void {
  const plain = 'text/plain'
  const texts = [
    ['static-text', 'This is the content of the static text resource.'],
    ['watched-resource', 'Nothing has changed yet.'],
  ] as const
  for (const [name, content] of texts) {
    const uri = `test://${name}`
    server.registerResource(name, uri, { description: 'A text.', mimeType: plain }, () => ({
      contents: [{ uri, mimeType: plain, text: content }],
    }))
  }
  const binary = 'test://static-binary'
  server.registerResource(
    'static-binary',
    binary,
    { description: 'An image.', mimeType: 'image/png' },
    () => ({
      contents: [{ uri: binary, mimeType: 'image/png', blob: redPixel }],
    }),
  )
  server.registerResource(
    'template',
    new ResourceTemplate('test://template/{id}/data', { list: undefined }),
    { description: 'Data by id.', mimeType: 'application/json' },
    ({ href }, { id }) => ({
      contents: [
        {
          uri: href,
          mimeType: 'application/json',
          text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${String(id)}` }),
        },
      ],
    }),
  )
  server.server.setRequestHandler('resources/subscribe', () => ({}))
  server.server.setRequestHandler('resources/unsubscribe', () => ({}))
}

/** Prompts of each kind, one of which asks the person first. */
export function registerPrompts(server: McpServer): void {
  server.registerPrompt('test_simple_prompt', { description: 'A prompt without arguments.' }, () =>
    says('This is a simple prompt for testing.'),
  )
  server.registerPrompt(
    'test_prompt_with_arguments',
    { description: 'A prompt with arguments.', argsSchema: z.object({ arg1: z.string(), arg2: z.string() }) },
    ({ arg1, arg2 }) => says(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`),
  )
  server.registerPrompt(
    'test_prompt_with_embedded_resource',
    { description: 'A prompt with a resource.', argsSchema: z.object({ resourceUri: z.string() }) },
    ({ resourceUri: uri }) => ({
      messages: [
        {
          role: 'user',
          content: {
            type: 'resource',
            resource: { uri, mimeType: 'text/plain', text: 'Embedded resource content for testing.' },
          },
        },
        ...says('Please process the embedded resource above.').messages,
      ],
    }),
  )
  server.registerPrompt('test_prompt_with_image', { description: 'A prompt with an image.' }, () => ({
    messages: [
      { role: 'user', content: { type: 'image', data: redPixel, mimeType: 'image/png' } },
      ...says('Please analyze the image above.').messages,
    ],
  }))
  server.registerPrompt(
    'test_input_required_result_prompt',
    { description: 'A prompt that asks the person first.' },
    // Without arguments the context comes first, which the types of the library do not say.
    (first: unknown): GetPromptResult | InputRequiredResult => {
      const { mcpReq } = first as ServerContext
      const context = acceptedContent<{ context: string }>(mcpReq.inputResponses, 'user_context')?.context
      return context === undefined
        ? inputRequired({ inputRequests: { user_context: formFor('Which context?', 'context', 'string') } })
        : says(`Use this context: ${context}`)
    },
  )
}

function says(text: string): GetPromptResult {
  return { messages: [{ role: 'user', content: { type: 'text', text } }] }
}
