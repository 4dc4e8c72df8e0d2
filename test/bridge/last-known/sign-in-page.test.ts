import { describe, expect, it } from 'vitest'
import { createBrowserPort, createPretendBrowser } from '../../support/browser.ts'
import { modern } from '../../support/stdio-client.ts'
import { setScene, type LastKnownScene } from './scene.ts'

const echo = { name: 'echo', arguments: { text: 'hello' } }
const showsPages = { elicitation: { url: {} } }
const canShow = (params: object): object =>
  modern({ ...params, _meta: { 'io.modelcontextprotocol/clientCapabilities': showsPages } })

/** The address of the page that a client of the older era is pointed at. */
async function pageOf(scene: LastKnownScene): Promise<URL> {
  const client = scene.client()
  await client.initialize(showsPages)
  const { error } = await client.ask('tools/call', echo)
  return new URL(error?.data.elicitations[0].url as string)
}

/** The form of the page, as a browser would send it. */
async function formOf(page: URL): Promise<URLSearchParams> {
  const html = await (await fetch(page)).text()
  const fields = [...html.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)">/g)]
  return new URLSearchParams(fields.map(([, name = '', value = '']): [string, string] => [name, value]))
}

const send = (page: URL, form: URLSearchParams, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(new URL('/sign-in', page), { method: 'POST', body: form, headers, redirect: 'manual' })

describe('a client that can show a page (MCP 2025-11-25, URL mode elicitation)', () => {
  it('is pointed at a page of ours, and hears when the sign-in is done', async () => {
    const scene = await setScene({ signedIn: false })
    const client = scene.client()
    await client.initialize(showsPages)
    const { error, end } = await client.ask('tools/call', echo)
    expect(error?.code).toBe(-32_042)
    expect(end?.failure?.code).toBe('connection.signed_out')
    const [elicitation] = (error?.data.elicitations ?? []) as {
      url: string
      elicitationId: string
      mode: string
    }[]
    expect(elicitation?.mode).toBe('url')
    expect(elicitation?.url.startsWith(`${scene.bridge.origin}/sign-in?ticket=`)).toBe(true)
    expect(scene.authorization.state.counters.authorizations).toBe(0)

    const form = await formOf(new URL(elicitation?.url ?? ''))
    const answer = await send(new URL(elicitation?.url ?? ''), form, { origin: scene.bridge.origin })
    expect(answer.status).toBe(303)
    await createPretendBrowser().approve(answer.headers.get('location') ?? '')
    const done = await client.find(({ method }) => method === 'notifications/elicitation/complete')
    expect(done.params).toEqual({ elicitationId: elicitation?.elicitationId })
    expect((await client.ask('tools/call', echo)).result.content[0].text).toBe('hello')
  })

  it.each([
    ['cannot show pages', { elicitation: {} }, '2025-11-25'],
    ['has no elicitation', {}, '2025-11-25'],
    ['is of a revision without them', showsPages, '2025-06-18'],
  ])('gets words in the result where it %s', async (_, capabilities, version) => {
    const scene = await setScene({ signedIn: false })
    const client = scene.client()
    await client.initialize(capabilities, version)
    expect((await client.ask('tools/call', echo)).result).toMatchObject({ isError: true })
  })
})

describe('a client that can show a page (MCP 2026-07-28, multi round-trip requests)', () => {
  it('is asked to, and its second request waits for the end of the sign-in', async () => {
    const scene = await setScene({ signedIn: false })
    const client = scene.client()
    const { result } = await client.ask('tools/call', canShow(echo))
    expect(result.resultType).toBe('input_required')
    const [[key, request] = []] = Object.entries(result.inputRequests as Record<string, any>)
    expect(request).toMatchObject({ method: 'elicitation/create', params: { mode: 'url' } })
    expect(request.params.url).toContain('/sign-in?ticket=')
    expect(result.requestState).toBeUndefined()

    const again = canShow({ ...echo, inputResponses: { [key ?? '']: { action: 'accept' } } })
    const answered = client.ask('tools/call', again)
    await scene.signIn()
    expect((await answered).result.content[0].text).toBe('hello')
  })

  it.each(['decline', 'cancel'])('gets words in the result after %s', async (action) => {
    const scene = await setScene({ signedIn: false })
    const client = scene.client()
    const { result } = await client.ask('tools/call', canShow(echo))
    const [key = ''] = Object.keys(result.inputRequests as object)
    const again = await client.ask('tools/call', canShow({ ...echo, inputResponses: { [key]: { action } } }))
    expect(again.result).toMatchObject({ resultType: 'complete', isError: true })
  })

  it('may cancel a request that waits', async () => {
    const scene = await setScene({ signedIn: false })
    const client = scene.client()
    const inputResponses = { 'bridgekeeper-sign-in': { action: 'accept' } }
    client.send({ id: 'waits', method: 'tools/call', params: canShow({ ...echo, inputResponses }) })
    await expect.poll(() => client.channel.pending().length).toBe(1)
    expect(client.channel.awaited).toBe(1)
    client.send({ method: 'notifications/cancelled', params: { requestId: 'waits' } })
    expect(client.channel.awaited).toBe(0)
    await scene.signIn()
    expect((await client.ask('tools/call', canShow(echo))).result.content[0].text).toBe('hello')
    expect(client.lines.some(({ id }) => id === 'waits')).toBe(false)
    expect(scene.server.record.calls).toHaveLength(1)
  })
})

describe('the page that starts a sign-in', () => {
  it('opens no browser and starts nothing until its button is pressed', async () => {
    const browser = createBrowserPort(async () => undefined)
    const scene = await setScene({ signedIn: false, bridge: { browser } })
    const page = await pageOf(scene)
    const answer = await fetch(page)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'")
    // With no-referrer a browser would send the form with Origin: null, which is refused.
    expect(answer.headers.get('referrer-policy')).toBe('same-origin')
    expect(await answer.text()).toContain(scene.server.url.host)
    expect(browser.opened).toEqual([])
    expect(scene.authorization.state.counters.authorizations).toBe(0)
    expect(scene.bridge.events.some(({ event }) => event === 'connection-changed')).toBe(false)
  })

  it('is one for all calls of a connection, and good for one sign-in', async () => {
    const scene = await setScene({ signedIn: false })
    const page = await pageOf(scene)
    expect((await pageOf(scene)).href).toBe(page.href)
    const form = await formOf(page)
    expect((await send(page, form)).status).toBe(303)
    expect((await send(page, form)).status).toBe(400)
    expect((await fetch(page)).status).toBe(400)
    expect((await pageOf(scene)).href).not.toBe(page.href)
  })

  it.each([
    ['without its token', (form: URLSearchParams) => form.delete('token'), {}],
    ['with another token', (form: URLSearchParams) => form.set('token', 'x'.repeat(22)), {}],
    ['with another ticket', (form: URLSearchParams) => form.set('ticket', 'x'.repeat(22)), {}],
    ['from a page of somebody else', () => undefined, { origin: 'https://evil.example' }],
    ['across sites', () => undefined, { 'sec-fetch-site': 'cross-site' }],
    ['of too many bytes', (form: URLSearchParams) => form.set('more', 'x'.repeat(10_000)), {}],
  ])('refuses a button that is pressed %s', async (_, change, headers) => {
    const scene = await setScene({ signedIn: false })
    const page = await pageOf(scene)
    const form = await formOf(page)
    change(form)
    expect((await send(page, form, headers)).status).toBe(400)
    expect(scene.bridge.events.some(({ event }) => event === 'connection-changed')).toBe(false)
  })

  it('is another one for who asks after it was shown as often as it may be', async () => {
    const scene = await setScene({ signedIn: false })
    const page = await pageOf(scene)
    for (let shown = 0; shown < 20; shown++) expect((await fetch(page)).status).toBe(200)
    expect((await fetch(page)).status).toBe(400)
    const next = await pageOf(scene)
    expect(next.href).not.toBe(page.href)
    expect((await fetch(next)).status).toBe(200)
  })

  it('is not there under another name of this machine, nor for a connection with a key', async () => {
    const scene = await setScene({ signedIn: false })
    const page = await pageOf(scene)
    const { hostname, port } = page
    const { request } = await import('node:http')
    const status = await new Promise((resolve, reject) => {
      const asked = request(
        { hostname, port, path: page.pathname + page.search, headers: { host: `evil.example:${port}` } },
        (answer) => {
          answer.resume()
          resolve(answer.statusCode)
        },
      )
      asked.on('error', reject).end()
    })
    expect(status).toBeGreaterThanOrEqual(400)
  })
})
