import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startBridge } from '../support/bridge-under-test.ts'
import { startMcpServer, type McpServerOptions } from '../support/mcp-server.ts'
import { startSseServer } from '../support/sse-server.ts'
import { modern } from '../support/stdio-client.ts'
import { openClient } from './last-known/channel-client.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Connections of every kind: two eras, HTTP+SSE, one that needs a sign-in, and one that is gone. */
async function setScene() {
  const serve = async (options: McpServerOptions) => {
    const server = await startMcpServer(options)
    onTestFinished(() => server.close())
    return server
  }
  const auth = { authorizationServers: ['http://127.0.0.1:1'], verify: () => Promise.reject(new Error()) }
  const sse = await startSseServer()
  onTestFinished(() => sse.close())
  const dead = await serve({})
  const servers = {
    older: await serve({ era: 'session' }),
    current: await serve({ era: 'modern' }),
    guarded: await serve({ auth }),
    sse,
    dead,
  }
  const bridge = await startBridge()
  onTestFinished(() => bridge.close())
  for (const [id, { url }] of Object.entries(servers)) await bridge.add(url, { id })
  await dead.close()
  return { channels: bridge.bridge.channels, ids: Object.keys(servers) }
}

describe('clients that come and go', () => {
  it.each(['older', 'current'])(
    'leave nothing behind in the bridge (%s era)',
    async (era) => {
      const { channels, ids } = await setScene()
      const say = (params: object): object => (era === 'current' ? modern(params) : params)
      const useAndLeave = async (entry: string | undefined, isForGood: boolean): Promise<WeakRef<object>> => {
        const client = openClient((own) =>
          entry === undefined ? channels.openAll(own, 'stdio') : channels.openConnection(entry, own, 'stdio'),
        )
        if (era === 'older') await client.initialize()
        else
          client.send({
            id: 'l',
            method: 'subscriptions/listen',
            params: say({ notifications: { toolsListChanged: true } }),
          })
        await client.ask('tools/list', say({}))
        client.send({ id: 'last', method: 'tools/list', params: say({}) })
        client.channel.close(isForGood)
        return new WeakRef(client.channel)
      }
      const left = await Promise.all(
        Array.from({ length: 50 }, (_, n) =>
          useAndLeave([...ids, undefined][n % (ids.length + 1)], n % 2 === 0),
        ),
      )
      const kept = (): number => {
        collect()
        return left.filter((one) => one.deref()).length
      }
      // Farewells to servers may still be on their way.
      await expect.poll(kept, { timeout: 15_000, interval: 200 }).toBe(0)
    },
    60_000,
  )
})
