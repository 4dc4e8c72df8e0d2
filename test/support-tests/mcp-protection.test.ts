import { describe, expect, it, onTestFinished } from 'vitest'
import { startLoopback } from '../support/loopback.ts'
import { toolCall } from '../support/raw-call.ts'
import { signInRaw } from '../support/raw-sign-in.ts'
import { startStrictAuthorizationServer } from '../support/strict-authorization-server.ts'
import { ask, startMcp, startProtected } from './mcp-requests.ts'

describe('the MCP server of the tests: protection (RFC 9728, RFC 6750)', () => {
  it('challenges a request without a token, and its metadata names resource and issuer', async () => {
    const { server, issuer } = await startProtected(['read:issues'], {
      challengeScopes: ['read:issues'],
      scopesSupported: ['read:issues', 'write:issues'],
    })
    const response = await ask(server.url)
    expect(response.status).toBe(401)
    const metadataUrl = `${server.loopback.origin}/.well-known/oauth-protected-resource/mcp`
    expect(response.headers.get('www-authenticate')).toBe(
      `Bearer resource_metadata="${metadataUrl}", scope="read:issues"`,
    )
    expect(await (await fetch(metadataUrl)).json()).toEqual({
      resource: server.url.href,
      authorization_servers: [issuer],
      bearer_methods_supported: ['header'],
      scopes_supported: ['read:issues', 'write:issues'],
    })
    expect(server.metadataUrl).toBe(metadataUrl)
    const root = new URL('/.well-known/oauth-protected-resource', server.url)
    expect((await fetch(root)).status).toBe(404)
  })

  it('names the scope in the challenge of a 403', async () => {
    const { server, token } = await startProtected(['read:issues'])
    const { headers, body } = toolCall('write_issue', { title: 'Fire' })
    const response = await fetch(server.url, {
      method: 'POST',
      headers: { ...headers, authorization: `Bearer ${token}` },
      body,
    })
    expect(response.status).toBe(403)
    const challenge = response.headers.get('www-authenticate')
    expect(challenge).toContain('error="insufficient_scope"')
    expect(challenge).toContain('scope="write:issues"')
    expect(challenge).toContain(`resource_metadata="${server.metadataUrl}"`)
  })

  it('takes a good token and refuses one that is unknown, refused here, expired or revoked', async () => {
    const authorization = await startStrictAuthorizationServer()
    onTestFinished(() => authorization.close())
    const server = await startMcp({
      auth: { authorizationServers: [authorization.issuer], verify: authorization.verify },
    })
    const signIn = await signInRaw(authorization.issuer, { resource: server.url.href })
    const token = signIn.tokens.access_token
    expect((await ask(server.url, token)).status).toBe(200)
    const bad = await ask(server.url, 'something-else')
    expect(bad.status).toBe(401)
    expect(bad.headers.get('www-authenticate')).toContain('error="invalid_token"')

    server.refuseToken(token)
    expect((await ask(server.url, token)).status).toBe(401)
    const other = (await signInRaw(authorization.issuer, { resource: server.url.href })).tokens.access_token
    expect((await ask(server.url, other)).status).toBe(200)
    authorization.expireAccessTokens()
    expect((await ask(server.url, other)).status).toBe(401)
  })

  it('refuses a token for another resource (RFC 8707)', async () => {
    const { server, issuer } = await startProtected(['read:issues'])
    const { tokens } = await signInRaw(issuer, { resource: 'http://127.0.0.1:1/mcp' })
    const response = await ask(server.url, tokens.access_token)
    expect(response.status).toBe(401)
    expect(await response.json()).toMatchObject({ error_description: 'the token is for another resource' })
  })

  it('answers 503 while it cannot ask the authorization server', async () => {
    const { server, token } = await startProtected(['read:issues'], {
      verify: () => Promise.reject(new Error('unreachable')),
    })
    expect((await ask(server.url, token)).status).toBe(503)
  })

  it('can publish at the root, say it otherwise, and refuse with another status', async () => {
    const { server } = await startProtected(['read:issues'], {
      metadataPlaces: ['root'],
      refusalStatus: 403,
      reshapeChallenge: (challenge) => challenge.replace(/, scope.*/, ''),
      reshapeMetadata: (document) => ({ ...document, resource: 'https://other.example/mcp' }),
    })
    const document = await fetch(new URL('/.well-known/oauth-protected-resource', server.url))
    expect(await document.json()).toMatchObject({ resource: 'https://other.example/mcp' })
    expect((await ask(server.url, 'something-else')).status).toBe(403)
    expect((await ask(server.url)).status).toBe(401)
  })

  it('shares an origin with its authorization server', async () => {
    const loopback = await startLoopback()
    onTestFinished(() => loopback.close())
    const authorization = await startStrictAuthorizationServer({
      loopback,
      places: ['oauth-inserted'],
      behaviour: { requiresResource: false },
    })
    const server = await startMcp({
      loopback,
      auth: { authorizationServers: [], verify: authorization.verify },
    })
    expect(server.url.origin).toBe(authorization.issuer)
    const { tokens } = await signInRaw(authorization.issuer, { resource: server.url.href })
    expect((await ask(server.url, tokens.access_token)).status).toBe(200)
  })
})
