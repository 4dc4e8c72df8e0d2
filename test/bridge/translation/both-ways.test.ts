import { describe, expect, it } from 'vitest'
import { setTranslationScene } from './scene.ts'

describe.each(['modern', 'session'] as const)(
  'a client of the other era, to a server that speaks only %s',
  (era) => {
    it('lists, calls, reads and gets', async () => {
      const { connect } = await setTranslationScene(era)
      const { client } = await connect()
      expect(client.getServerVersion()).toMatchObject({ name: 'issues' })
      expect(client.getInstructions()).toContain('tests')
      const { tools } = await client.listTools()
      expect(tools.map(({ name }) => name)).toContain('echo')
      expect(await client.callTool({ name: 'echo', arguments: { text: 'übers' } })).toMatchObject({
        content: [{ text: 'übers' }],
      })
      const { contents } = await client.readResource({ uri: 'issues://readme' })
      expect(contents).toMatchObject([{ text: 'Issues, for tests.' }])
      const { messages } = await client.getPrompt({ name: 'triage', arguments: { title: 'Fire' } })
      expect(messages).toMatchObject([{ content: { text: 'Sort this issue: Fire' } }])
    })
  },
)
