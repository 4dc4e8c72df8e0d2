import { describe, expect, it, onTestFinished } from 'vitest'
import { startEverythingServer } from '../../support/everything-server.ts'
import { accessTo, until } from '../gateway/support.ts'
import { openSse, surroundingsOf } from './scene.ts'

describe('the reference server "everything" over HTTP with SSE', () => {
  it('lists, calls, tells progress, asks the client, and ends with the channel', async () => {
    const server = await startEverythingServer('sse')
    onTestFinished(() => server.close())
    const access = accessTo(server.url)
    const around = surroundingsOf(access)
    const speaker = openSse(around)
    const clientInfo = { name: 'test', version: '1' }
    const capabilities = { sampling: {}, elicitation: {}, roots: { listChanged: true } }
    const params = { protocolVersion: '2025-11-25', capabilities, clientInfo }
    const begun = await speaker.ask('initialize', params)
    expect(begun.result.protocolVersion).toBe('2025-11-25')
    speaker.say({ method: 'notifications/initialized' })

    const { result } = await speaker.ask('tools/list')
    const names = (result.tools as { name: string }[]).map(({ name }) => name)
    expect(names).toContain('echo')
    const echo = await speaker.ask('tools/call', { name: 'echo', arguments: { message: 'ünï' } })
    expect(echo.result.content[0].text).toContain('ünï')

    const slow = speaker.say({
      id: 'slow',
      method: 'tools/call',
      params: {
        name: 'trigger-long-running-operation',
        arguments: { duration: 0.1, steps: 3 },
        _meta: { progressToken: 'p' },
      },
    })
    await speaker.answerTo(slow)
    const progress = speaker.client.passed.filter(({ method }) => method === 'notifications/progress')
    expect(progress.map(({ params }) => params.progress)).toEqual([1, 2, 3])
    expect(progress.every(({ about }) => about === slow)).toBe(true)

    const sampling = speaker.say({
      id: 'sampling',
      method: 'tools/call',
      params: { name: 'trigger-sampling-request', arguments: { prompt: 'hi', maxTokens: 5 } },
    })
    const isAsked = ({ method }: { method?: string }): boolean => method === 'sampling/createMessage'
    await until(() => speaker.client.passed.some(isAsked))
    const asked = speaker.client.passed.find(isAsked)
    const content = { type: 'text', text: 'hello from the client' }
    speaker.say({
      id: asked?.id,
      result: { role: 'assistant', content, model: 'none', stopReason: 'endTurn' },
    })
    expect(JSON.stringify((await speaker.answerTo(sampling)).result)).toContain('hello from the client')

    speaker.channel.close(true)
    await server.process.stderr.find((line) => line.startsWith('Client Disconnected'))
  })
})
