import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { control as contract } from '../../shared/control.ts'
import { callRaw } from '../support/raw-call.ts'
import { paramsOf } from '../support/seen.ts'
import { randomSecret } from '../support/strict-authorization-server.ts'
import { beginSignIn, callbackFor, staying } from './sign-in-setup.ts'
import { useAccess } from './use-access.ts'
import { useActivity } from './use-activity.ts'
import { useClients } from './use-clients.ts'
import { watchBridge, type Heard } from './watched-bridge.ts'

const planted = (): string => `planted-${randomBytes(24).toString('base64url')}`

describe('tokens, codes, verifiers and client secrets', () => {
  it('are in no reply, event, page, answer, log or file when all goes well', async () => {
    const watched = await watchBridge()
    const { bridge, control, authorization } = watched
    const leaving = new AbortController()
    const listening = (async () => {
      for await (const _event of control.events({}, leaving.signal));
    })()
    const id = await watched.add()
    expect((await watched.signIn(id))?.event).toBe('connected')
    const inCall = planted()
    await useActivity(bridge.bridge.activity, control.activity, { id, secret: inCall })
    await useAccess(control, { id, secret: inCall })
    expect(await watched.call(id, 'whoami')).toBe(200)
    authorization.expireAccessTokens()
    expect(await watched.call(id, 'whoami')).toBe(200)
    const held = watched.call(id, 'write_issue')
    await bridge.seen('step-up-asked')
    expect((await watched.signIn(id))?.event).toBe('connected')
    expect(await held).toBe(200)
    await control.connections.look({ url: watched.server.url.href }, staying())
    await control.connections.get({ id }, staying())
    await control.connections.list({}, staying())
    await control.connections.trace({ id }, staying())
    await control.connections.tools({ id }, staying())
    await control.connections.knownTools({ id }, staying())
    await control.connections.call({ id, tool: 'whoami', arguments: {} }, staying())
    const { page, ended } = await beginSignIn(bridge, id)
    await control.connections.finishSignIn({ id, callbackUrl: (await callbackFor(page)).href }, staying())
    expect((await ended)?.event).toBe('connected')
    await control.connections.cancelSignIn({ id }, staying())
    await control.bridge.status({}, staying())
    await control.page.invite({}, staying())
    await control.bridge.doctor({}, staying())
    await control.bridge.doctor({ target: id }, staying())
    const ofOthers: [string, string] = [planted(), planted()]
    const { href: url } = watched.server.url
    await useClients(control, { folder: bridge.home.folder, url, id, secrets: ofOthers })
    await control.settings.get({}, staying())
    await control.settings.set({ key: 'logLevel', value: '"debug"' }, staying())
    await control.connections.revoke({ id }, staying())
    await control.connections.remove({ id }, staying())
    await control.bridge.stop({}, staying())
    leaving.abort()
    await listening

    const { findings, outputs } = await watched.search({ header: ofOthers[0], stored: ofOthers[1], inCall })
    expect(findings).toEqual([])
    const procedures = procedureNames(contract)
    expect(procedures.length).toBeGreaterThan(15)
    expect(Object.keys(outputs)).toEqual(expect.arrayContaining(procedures))
    // Three sign-ins with two tokens each: the last revocation ends what the earlier ones left, too.
    expect(authorization.state.counters).toMatchObject({ refreshes: 1, revocations: 6, authorizations: 3 })
  })

  it.each([
    ['no access token', { access_token: undefined }],
    ['a token type of its own', { token_type: 'mac' }],
    ['an access token that is none', { access_token: 12_345 }],
  ])('are in none when an answer is of no use: %s', async (_, members) => {
    const watched = await watchBridge()
    const { bridge, control, authorization } = watched
    const id = await watched.add()
    authorization.behaviour.reshape.tokens = (answer) => ({ ...answer, ...members })
    expect(await watched.signIn(id)).toMatchObject({ code: 'oauth.token_missing' })
    const { page } = await beginSignIn(bridge, id)
    const callbackUrl = (await callbackFor(page)).href
    const finishing = control.connections.finishSignIn({ id, callbackUrl }, staying())
    await expect(finishing).rejects.toMatchObject({ code: 'oauth.token_missing' })
    await control.connections.trace({ id }, staying())
    await control.connections.get({ id }, staying())

    expect((await watched.search()).findings).toEqual([])
  })

  const repeats: [string, Heard][] = [
    ['the body', ({ body }) => body],
    ['the parameters', (request) => [...paramsOf(request).values()].join(' ')],
    ['the parameters from the last', (request) => [...paramsOf(request).values()].toReversed().join(' ')],
    ['the Authorization header', ({ headers }) => `${headers.authorization}`],
  ]
  it.each(repeats)('are in none when a server repeats %s in its errors', async (_, heard) => {
    const watched = await watchBridge()
    const { bridge, control, authorization } = watched
    const id = await watched.add()
    expect((await watched.signIn(id))?.event).toBe('connected')
    watched.repeat(['/token'], heard)
    expect(await watched.signIn(id, ['write:issues'])).toMatchObject({ code: 'oauth.token_refused' })
    const { page } = await beginSignIn(bridge, id)
    const callbackUrl = (await callbackFor(page)).href
    const finishing = control.connections.finishSignIn({ id, callbackUrl }, staying())
    await expect(finishing).rejects.toMatchObject({ code: 'oauth.token_refused' })
    await control.connections.trace({ id }, staying())
    authorization.expireAccessTokens()
    // Nobody is signed in any more, which the result of the call says.
    expect(await watched.call(id, 'whoami')).toBe(200)
    await control.connections.get({ id }, staying())
    watched.repeat([])
    expect((await watched.signIn(id))?.event).toBe('connected')
    watched.repeat(['/mcp'])
    expect(await watched.call(id, 'whoami')).toBeGreaterThan(400)
    await expect(control.connections.tools({ id }, staying())).rejects.toHaveProperty('code')
    watched.repeat(['/revoke'])
    const receipt = await control.connections.revoke({ id }, staying())
    expect(receipt).toMatchObject({ refreshToken: 'failed', accessToken: 'failed' })

    expect((await watched.search()).findings).toEqual([])
  })
})

describe('what the user brought', () => {
  it('is in no output, accepted or refused, repeated or not', async () => {
    const watched = await watchBridge()
    const { control, authorization, bridge } = watched
    const secrets = { secret: randomSecret(), wrong: planted(), bearer: planted(), header: planted() }
    const redirectUris = [`${bridge.origin}/oauth/callback`]
    const client = { id: 'by-hand', authMethod: 'client_secret_basic' as const, redirectUris }
    authorization.state.clients.set('by-hand', { ...client, secret: secrets.secret })
    const own = await watched.add({ clientId: 'by-hand', clientSecret: secrets.secret })
    expect((await watched.signIn(own))?.event).toBe('connected')
    expect(await watched.call(own, 'whoami')).toBe(200)
    const wrong = await watched.add({ clientId: 'by-hand', clientSecret: secrets.wrong })
    expect(await watched.signIn(wrong)).toMatchObject({ code: 'oauth.client_unknown' })
    for (const wish of [
      { clientSecret: secrets.wrong },
      { bearer: `${secrets.wrong}\n${secrets.wrong}` },
      { headers: [{ name: 'host', value: secrets.wrong }] },
      { url: `https://user:${secrets.wrong}@mcp.example/` },
    ]) {
      await expect(watched.add(wish)).rejects.toHaveProperty('code')
    }
    const bearer = await watched.add({ bearer: secrets.bearer })
    const header = await watched.add({ headers: [{ name: 'X-Api-Key', value: secrets.header }] })
    const heard: Heard = ({ headers }) => `${headers.authorization} ${String(headers['x-api-key'])}`
    for (const paths of [[], ['/mcp']]) {
      watched.repeat(paths, heard)
      for (const id of [bearer, header]) {
        expect(await watched.call(id, 'whoami')).toBe(401)
        await expect(control.connections.tools({ id }, staying())).rejects.toHaveProperty('code')
        await control.bridge.doctor({ target: id }, staying())
        await watched.signIn(id)
      }
    }
    for (const id of [bearer, header]) await control.connections.revoke({ id }, staying())
    await control.connections.list({}, staying())

    expect((await watched.search(secrets)).findings).toEqual([])
  })
})

describe('the client key', () => {
  it('is in the reply that asks for it and nowhere else', async () => {
    const watched = await watchBridge()
    const { control, bridge } = watched
    const id = await watched.add()
    await watched.call(id, 'whoami')
    await watched.signIn(id)
    await watched.call(id, 'whoami')
    await control.connections.tools({ id }, staying())
    await control.connections.call({ id, tool: 'none', arguments: {} }, staying()).catch(() => undefined)
    const keys: Record<string, string> = {}
    for (const client of ['cursor', 'bridgekeeper']) {
      const { url } = await bridge.control.connections.endpoint({ id, client }, staying())
      keys[client] = new URL(url).pathname.split('/')[1] ?? ''
    }
    const refused = await callRaw(`${bridge.origin}/${keys['cursor']}/nobody/mcp`, 'whoami')
    expect([refused.status, refused.body.includes(keys['cursor'] ?? '')]).toEqual([404, false])

    const { findings } = await watched.search(keys)
    expect(new Set(findings.map(({ secret, where }) => `${secret} in ${where}`))).toEqual(
      new Set(['cursor in connections.endpoint']),
    )
  })
})

describe('the search', () => {
  it('finds a secret in replies, errors, logs and files, plain and encoded', async () => {
    const watched = await watchBridge()
    const { bridge, control } = watched
    const [inReply, inError, inLog, inFile] = [planted(), planted(), planted(), planted()]
    await watched.add({ scopes: [inReply] })
    await control.connections.get({ id: inError as never }, staying()).catch(() => undefined)
    bridge.logged.push(Buffer.from(inLog).toString('base64'))
    await writeFile(join(bridge.home.bridge, 'left-behind'), JSON.stringify({ inFile: `"${inFile}` }))

    const { findings } = await watched.search({ inReply, inError, inLog, inFile })
    const found = findings.map(({ secret, where }) => `${secret} in ${where}`)
    expect(found).toContain('inReply in connections.add')
    expect(found).toContain('inError in connections.get')
    expect(found).toContain('inLog in logged')
    expect(found).toContain(`inFile in ${join('bridge', 'left-behind')}`)
    // It is in the sealed vault, where nobody can find it.
    expect(found.filter((text) => text.startsWith('inReply in bridge'))).toEqual([])
  })
})

/** The name of every procedure of the contract, such as `connections.add`. */
function procedureNames(part: object, prefix = ''): string[] {
  return Object.entries(part).flatMap(([name, inner]: [string, object]) =>
    '~orpc' in inner ? [`${prefix}${name}`] : procedureNames(inner, `${prefix}${name}.`),
  )
}
