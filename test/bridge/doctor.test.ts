import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Check } from '../../shared/control.ts'
import { closing } from '../end-to-end/scene.ts'
import { reshaping, setSignInScene, staying } from '../end-to-end/sign-in-setup.ts'
import { startBridge, type BridgeUnderTest } from '../support/bridge-under-test.ts'
import { startMcpServer } from '../support/mcp-server.ts'
import { without } from '../support/strict-authorization-server.ts'

async function failuresOf({ control }: BridgeUnderTest, target: string): Promise<(string | undefined)[]> {
  const checks = (await control.bridge.doctor({ target }, staying())) as Check[]
  return checks.filter(({ ok }) => !ok).map(({ failure }) => failure?.code)
}

describe('what doctor says of this machine', () => {
  it('has the record of calls in it while that cannot be written', async () => {
    const bridge = closing(await startBridge())
    const call = { client: 'zed', connection: 'x', method: undefined, face: 'http', requestBytes: 1 } as const
    const recordOne = async (): Promise<void> => {
      bridge.bridge.activity.begin(call).end({ outcome: 'answered', bytes: 1 })
      await bridge.control.activity.list({ limit: 1 }, staying()).catch(() => undefined)
    }
    const failures = async (): Promise<(string | undefined)[]> => {
      const checks = (await bridge.control.bridge.doctor({}, staying())) as Check[]
      return checks.filter(({ ok }) => !ok).map(({ failure }) => failure?.code)
    }
    const folder = join(bridge.home.bridge, 'activity')
    await writeFile(folder, '')
    await recordOne()
    expect(await failures()).toEqual(['activity.write_failed'])
    await rm(folder)
    await recordOne()
    expect(await failures()).toEqual([])
  })
})

describe('what doctor says of a connection', () => {
  it('goes by the client id and the options that it was added with', async () => {
    const metadata = without('registration_endpoint', 'code_challenge_methods_supported')
    const { bridge, server } = await setSignInScene({ authorization: { behaviour: reshaping({ metadata }) } })
    const bare = await bridge.add(server.url)
    expect(await failuresOf(bridge, bare)).toEqual([
      'connection.signed_out',
      'registration.needed',
      'oauth.pkce_unsupported',
    ])
    const equipped = await bridge.add(server.url, { clientId: 'mine', allowMissingPkce: true })
    expect(await failuresOf(bridge, equipped)).toEqual(['connection.signed_out'])
  })

  it('finds nothing wrong with PKCE where the 2025-03-26 fallback will sign in without being told of it', async () => {
    const metadata = without('code_challenge_methods_supported')
    const { bridge, authorization } = await setSignInScene({
      authorization: { behaviour: reshaping({ metadata }) },
    })
    authorization.loopback.faults.add('/mcp', { kind: 'answer', status: 401 }, { times: Infinity })
    expect(await failuresOf(bridge, `${authorization.issuer}/mcp`)).toEqual([])
  })

  it('asks nothing of a sign-in where a key is used', async () => {
    const server = closing(await startMcpServer())
    const bridge = closing(await startBridge())
    const id = await bridge.add(server.url, { bearer: 'key-of-mine' })
    server.loopback.faults.add('/mcp', { kind: 'answer', status: 401 }, { times: Infinity })
    expect(await failuresOf(bridge, id)).toEqual([])
  })
})
