import { startBridge } from '../support/bridge-under-test.ts'
import { startMcpServer } from '../support/mcp-server.ts'
import { callRaw } from '../support/raw-call.ts'
import { paramsOf } from '../support/seen.ts'
import { startStrictAuthorizationServer } from '../support/strict-authorization-server.ts'

/** What a burst of calls on an expired token came to. */
export interface Burst {
  readonly calls: number
  /** Calls that did not come back with their own answer. */
  readonly failed: number
  /** Refresh requests that the authorization server saw. */
  readonly refreshes: number
}

/** Makes `calls` calls at the same moment through a bridge whose access token the server has just let expire. */
export async function callOnExpiredToken(calls: number): Promise<Burst> {
  const authorization = await startStrictAuthorizationServer()
  const { issuer, verify } = authorization
  const auth = { authorizationServers: [issuer], verify, challengeScopes: ['read:issues'] }
  const server = await startMcpServer({ keep: 'nothing', auth })
  const bridge = await startBridge()
  try {
    const endpoint = await bridge.endpoint(await bridge.connect(server.url))
    authorization.expireAccessTokens()
    const isOwnAnswer = async (n: number): Promise<boolean> => {
      const { status, body } = await callRaw(endpoint, 'echo', { text: `nonce-${n}.` })
      return status === 200 && body.includes(`nonce-${n}.`)
    }
    const answered = await Promise.all(Array.from({ length: calls }, (_, n) => isOwnAnswer(n)))
    const refreshes = authorization.loopback
      .requestsOf(authorization.endpoint.token.pathname)
      .filter((request) => paramsOf(request).get('grant_type') === 'refresh_token').length
    return { calls, failed: answered.filter((well) => !well).length, refreshes }
  } finally {
    await bridge.close()
    await server.close()
    await authorization.close()
  }
}
