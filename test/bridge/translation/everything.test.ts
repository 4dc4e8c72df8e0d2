import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { startEverythingServer } from '../../support/everything-server.ts'
import { channelsTo, connectOver } from './scene.ts'

const patience = { timeout: 20_000 }
const text = (result: unknown): string =>
  (result as { content: { text?: string }[] }).content.map((one) => one.text ?? '').join('\n')

describe('a modern client of the reference server of the older era', () => {
  it.each(['streamableHttp', 'sse'] as const)(
    'uses all that it offers over %s',
    async (kind) => {
      const server = await startEverythingServer(kind)
      onTestFinished(() => server.close())
      const { client } = await connectOver(channelsTo(server.url), 'modern', {
        capabilities: { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} },
      })
      client.setRequestHandler('roots/list', () => ({ roots: [{ uri: 'file:///planted', name: 'planted' }] }))
      const visited: string[] = []
      client.setRequestHandler('elicitation/create', ({ params }) => {
        if (params.mode !== 'url') return { action: 'decline' }
        visited.push(params.url)
        return { action: 'accept' }
      })
      client.setRequestHandler('sampling/createMessage', () => ({
        role: 'assistant',
        model: 'a model',
        content: { type: 'text', text: 'a sampled thought' },
      }))
      const updated: string[] = []
      client.setNotificationHandler(
        'notifications/resources/updated',
        ({ params }) => void updated.push(params.uri),
      )

      const { tools } = await client.listTools()
      const names = tools.map(({ name }) => name)
      expect(names).toContain('trigger-elicitation-request')
      const call = async (name: string, args: Record<string, unknown> = {}): Promise<string> =>
        text(await client.callTool({ name, arguments: args }))
      expect(await call('echo', { message: 'über' })).toContain('über')
      expect(await call('trigger-sampling-request', { prompt: 'think' })).toContain('a sampled thought')
      expect(await call('trigger-elicitation-request')).toMatch(/declined/i)
      expect(await call('get-roots-list')).toContain('planted')
      // First by an error that wants an address visited before the call is made again, then by a request.
      const place = { url: 'https://example.com/own', errorPath: true }
      expect(await call('trigger-url-elicitation', place)).toContain('completed')
      expect(visited).toHaveLength(2)
      const progress: number[] = []
      await client.callTool(
        { name: 'trigger-long-running-operation', arguments: { duration: 0.2, steps: 4 } },
        { onprogress: (one) => void progress.push(one.progress) },
      )
      expect(progress).toEqual([1, 2, 3, 4])

      const { resources } = await client.listResources()
      const uri = resources[0]?.uri ?? ''
      expect((await client.readResource({ uri })).contents).toMatchObject([{ uri }])
      const { prompts } = await client.listPrompts()
      expect(prompts.map(({ name }) => name)).toContain('simple-prompt')
      expect((await client.getPrompt({ name: 'simple-prompt' })).messages).toHaveLength(1)

      const subscription = await client.listen({ resourceSubscriptions: [uri] })
      await call('toggle-subscriber-updates')
      await vi.waitFor(() => expect(updated).toContain(uri), patience)
      await call('toggle-subscriber-updates')
      await subscription.close()
    },
    60_000,
  )
})
