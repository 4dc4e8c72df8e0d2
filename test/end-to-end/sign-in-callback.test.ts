import { rename } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { answering, without } from '../support/strict-authorization-server.ts'
import { startBridge } from '../support/bridge-under-test.ts'
import { closing, type Scene } from './scene.ts'
import {
  beginSignIn,
  callbackFor,
  outcomeOf,
  reshaping,
  setSignInScene,
  staying,
  tokenRequests,
  traceOf,
  viewOf,
  type WaitingSignIn,
} from './sign-in-setup.ts'

/** A scene with a sign-in that waits, and the address at which its browser would end. */
async function setWaiting(scene: Scene): Promise<Scene & WaitingSignIn & { id: string; callback: URL }> {
  const id = await scene.bridge.add(scene.server.url)
  const waiting = await beginSignIn(scene.bridge, id)
  return { ...scene, ...waiting, id, callback: await callbackFor(waiting.page) }
}

const finish = ({ bridge }: Scene, id: string, callbackUrl: string) =>
  bridge.control.connections.finishSignIn({ id: id as never, callbackUrl }, staying())

const changed = (url: URL, parameters: Record<string, string>): URL => {
  const copy = new URL(url)
  for (const [name, value] of Object.entries(parameters)) copy.searchParams.set(name, value)
  return copy
}

describe('the issuer of an authorization response (RFC 9207 §2.4)', () => {
  const elsewhere = 'https://elsewhere.example'
  const appended = (issuer: string) => (parameters: URLSearchParams) => {
    parameters.append('iss', issuer)
    return parameters
  }

  it.each([
    ['is another', answering({ iss: elsewhere }), 'oauth.issuer_mismatch'],
    ['is empty', answering({ iss: '' }), 'oauth.issuer_mismatch'],
    ['comes twice, the second another', appended(elsewhere), 'oauth.issuer_mismatch'],
    ['is missing though the server promises it', answering({ iss: undefined }), 'oauth.issuer_missing'],
  ])('ends the sign-in where it %s, and no code is redeemed', async (_, callback, code) => {
    const scene = await setSignInScene({ authorization: { behaviour: reshaping({ callback }) } })
    const id = await scene.bridge.add(scene.server.url)
    expect(await outcomeOf(scene.bridge.signIn(id))).toBe(code)
    expect(tokenRequests(scene.authorization)).toEqual([])
    expect((await viewOf(scene.bridge, id)).status).toBe('failed')
  })

  it.each([
    ['a slash at its end', (issuer: string) => `${issuer}/`],
    ['another case', (issuer: string) => issuer.replace('http', 'HTTP')],
    ['another spelling of the host', (issuer: string) => issuer.replace('127.0.0.1', 'localhost')],
    ['what a URL parser would take away', (issuer: string) => `${issuer}/.`],
    ['itself twice', (issuer: string) => `${issuer}&iss=${issuer}`],
  ])('is compared as text: with %s it is another', async (_, spell) => {
    const { authorization, callback, ended } = await setWaiting(await setSignInScene())
    const { issuer } = authorization
    const [before = '', after = ''] = callback.href.split(`iss=${encodeURIComponent(issuer)}`)
    expect((await fetch(`${before}iss=${spell(issuer)}${after}`)).status).toBe(400)
    expect(await outcomeOf(ended)).toBe('oauth.issuer_mismatch')
    expect(tokenRequests(authorization)).toEqual([])
  })

  it('may be missing where the server does not promise it', async () => {
    const behaviour = reshaping({
      callback: answering({ iss: undefined }),
      metadata: without('authorization_response_iss_parameter_supported'),
    })
    const { bridge, server } = await setSignInScene({ authorization: { behaviour } })
    expect(await outcomeOf(bridge.signIn(await bridge.add(server.url)))).toBe('connected')
  })

  it('decides first: of a response from elsewhere nothing is shown, not even its error', async () => {
    const scene = await setWaiting(await setSignInScene())
    const { bridge, id, callback, ended } = scene
    callback.searchParams.delete('code')
    const forged = { iss: elsewhere, error: 'planted_error', error_description: 'planted description' }
    const landing = await fetch(changed(callback, forged))
    const shown = [
      await landing.text(),
      JSON.stringify(await ended),
      JSON.stringify(await traceOf(bridge, id)),
      JSON.stringify(await viewOf(bridge, id)),
      JSON.stringify(bridge.events),
      ...bridge.logged,
    ].join('\n')
    expect(await outcomeOf(ended)).toBe('oauth.issuer_mismatch')
    expect(shown).not.toMatch(/planted|elsewhere/)
    expect(shown).toContain('oauth.issuer_mismatch')
  })
})

describe('the sign-in callback (RFC 6749 §4.1.2)', () => {
  it.each([
    ['an unknown state', (url: URL) => changed(url, { state: 'guessed' })],
    ['no state', (url: URL) => new URL(url.pathname, url)],
    ['the state twice', (url: URL) => new URL(`${url.href}&state=${url.searchParams.get('state')}`)],
  ])('with %s reaches nobody and leaves the sign-in waiting', async (_, spoil) => {
    const { callback, ended, bridge, id } = await setWaiting(await setSignInScene())
    const refused = await fetch(spoil(callback))
    expect(refused.status).toBe(400)
    expect(await refused.text()).toContain('No sign-in waits for this answer')
    expect((await viewOf(bridge, id)).status).toBe('signing-in')
    expect((await fetch(callback)).status).toBe(200)
    expect(await outcomeOf(ended)).toBe('connected')
  })

  it('works once: the same address again reaches nobody and changes nothing', async () => {
    const { callback, ended, bridge, id, authorization } = await setWaiting(await setSignInScene())
    const answers = await Promise.all([fetch(callback), fetch(callback)])
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 400]))
    expect(await outcomeOf(ended)).toBe('connected')
    expect((await fetch(callback)).status).toBe(400)
    expect(tokenRequests(authorization)).toHaveLength(1)
    expect((await viewOf(bridge, id)).status).toBe('connected')
  })

  it.each(['HEAD', 'POST', 'PUT', 'OPTIONS'])('is not consumed by %s', async (method) => {
    const { callback, ended } = await setWaiting(await setSignInScene())
    const refused = await fetch(callback, { method })
    expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET'])
    expect((await fetch(callback)).status).toBe(200)
    expect(await outcomeOf(ended)).toBe('connected')
  })

  it.each([
    ['access_denied', 'oauth.denied'],
    ['invalid_scope', 'oauth.scope_refused'],
    ['unauthorized_client', 'oauth.client_unknown'],
    ['temporarily_unavailable', 'server.failed'],
    ['server_error', 'server.failed'],
    ['something_else', 'oauth.authorization_failed'],
  ])('with error=%s ends the sign-in as %s, with the words of the server', async (error, code) => {
    const callback = answering({ code: undefined, error, error_description: 'in its own words' })
    const { bridge, server } = await setSignInScene({ authorization: { behaviour: reshaping({ callback }) } })
    const id = await bridge.add(server.url)
    const failed = (await bridge.signIn(id)).at(-1)
    expect(failed).toMatchObject({ event: 'failed', code, detail: `${error}: in its own words` })
  })

  it.each([
    ['without code', answering({ code: undefined })],
    ['with an empty code', answering({ code: '' })],
    ['with two codes', (sent: URLSearchParams) => new URLSearchParams(`${sent.toString()}&code=other`)],
  ])('%s ends the sign-in', async (_, callback) => {
    const scene = await setSignInScene({ authorization: { behaviour: reshaping({ callback }) } })
    const id = await scene.bridge.add(scene.server.url)
    expect(await outcomeOf(scene.bridge.signIn(id))).toBe('oauth.authorization_failed')
    expect(tokenRequests(scene.authorization)).toEqual([])
  })

  it('says success only when the grant is durable, and ends the tokens that it could not keep', async () => {
    const scene = await setWaiting(await setSignInScene())
    const { bridge, callback, ended, id, authorization } = scene
    const away = `${bridge.home.bridge}-away`
    await rename(bridge.home.bridge, away)
    const landing = await fetch(callback)
    await rename(away, bridge.home.bridge)
    expect(landing.status).toBe(400)
    expect(await landing.text()).toContain('The vault could not be written')
    expect(await outcomeOf(ended)).toBe('vault.write_failed')
    expect([...authorization.state.refreshTokens.values()].map(({ family }) => family.ended)).toEqual([
      'revoked',
    ])
    expect(await outcomeOf(bridge.signIn(id))).toBe('connected')
    const other = closing(await startBridge({ home: bridge.home }))
    expect((await viewOf(other, id)).status).toBe('connected')
  })
})

describe('a sign-in finished by pasting the address', () => {
  it.each([
    ['as it is', String],
    ['with blanks and line ends around it', (address: string) => ` ${address}\n`],
    ['of another name of this machine', (address: string) => address.replace('127.0.0.1', 'localhost')],
  ])('works with the address %s', async (_, spell) => {
    const scene = await setWaiting(await setSignInScene())
    const { bridge, id, callback, ended } = scene
    expect(await finish(scene, id, spell(callback.href))).toMatchObject({ id, status: 'connected' })
    expect(await outcomeOf(ended)).toBe('connected')
    expect((await viewOf(bridge, id)).status).toBe('connected')
  })

  it.each([
    ['garbage', () => 'not an address', 'oauth.callback_invalid'],
    ['nothing', () => '', 'oauth.callback_invalid'],
    ['the page itself', ({ page }: WaitingSignIn) => page.href, 'oauth.callback_invalid'],
    [
      'the address of another sign-in',
      (_: WaitingSignIn, callback: URL) => changed(callback, { state: 'another' }).href,
      'oauth.state_unknown',
    ],
  ])('refuses %s and goes on waiting', async (_, paste, code) => {
    const scene = await setWaiting(await setSignInScene())
    const { id, callback, ended } = scene
    await expect(finish(scene, id, paste(scene, callback))).rejects.toMatchObject({ code })
    await finish(scene, id, callback.href)
    expect(await outcomeOf(ended)).toBe('connected')
  })

  it('refuses where nothing waits, before and after', async () => {
    const scene = await setWaiting(await setSignInScene())
    const { id, callback, bridge, server } = scene
    const other = await bridge.add(server.url)
    await expect(finish(scene, other, callback.href)).rejects.toMatchObject({ code: 'oauth.state_unknown' })
    await finish(scene, id, callback.href)
    await expect(finish(scene, id, callback.href)).rejects.toMatchObject({ code: 'oauth.state_unknown' })
  })

  it('says why the sign-in failed', async () => {
    const callback = answering({ code: undefined, error: 'access_denied' })
    const scene = await setWaiting(
      await setSignInScene({ authorization: { behaviour: reshaping({ callback }) } }),
    )
    await expect(finish(scene, scene.id, scene.callback.href)).rejects.toMatchObject({ code: 'oauth.denied' })
    expect(await outcomeOf(scene.ended)).toBe('oauth.denied')
  })
})
