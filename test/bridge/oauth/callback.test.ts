import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import * as fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { callbackPath, createCallbacks, type Callbacks } from '../../../bridge/oauth/callback.ts'
import { BridgeError } from '../../../shared/errors.ts'

/** Callbacks behind a real server, and the address they answer at. */
async function serveCallbacks(): Promise<{ callbacks: Callbacks; address: string }> {
  const callbacks = createCallbacks()
  const server = createServer((request, response) => void callbacks.handle(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { callbacks, address: `http://127.0.0.1:${port}${callbackPath}` }
}

const planted = '<script>alert("planted")</script>'
const query = (parameters: Record<string, string>): string => `?${new URLSearchParams(parameters).toString()}`

describe('the page that ends a sign-in', () => {
  const endings: [string, () => Promise<void>, number][] = [
    ['succeeded', () => Promise.resolve(), 200],
    ['failed', () => Promise.reject(new BridgeError('oauth.denied', `denied: ${planted}`)), 400],
    ['broke', () => Promise.reject(new Error(planted)), 400],
  ]

  it.each(endings)('reflects no parameter and no detail when it %s', async (_, ending, status) => {
    const { callbacks, address } = await serveCallbacks()
    callbacks.expect('expected', ending)
    const parameters = { state: 'expected', code: planted, error: planted, error_description: planted }
    const response = await fetch(address + query(parameters))
    const page = await response.text()
    expect(response.status).toBe(status)
    expect(page).not.toMatch(/planted|expected|alert/)
  })

  it.each(endings)('is kept nowhere, framed nowhere and runs nothing when it %s', async (_, ending) => {
    const { callbacks, address } = await serveCallbacks()
    callbacks.expect('expected', ending)
    const { headers } = await fetch(`${address}?state=expected&code=c`)
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('referrer-policy')).toBe('no-referrer')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8')
    const policy = headers.get('content-security-policy')?.split('; ')
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).toContain("form-action 'none'")
    expect(policy).toContain("base-uri 'none'")
    expect(policy?.some((directive) => /script|unsafe/.test(directive))).toBe(false)
  })

  it('is plain HTML without script, link or image, and its policy allows its own style alone', async () => {
    const { address } = await serveCallbacks()
    const response = await fetch(address)
    const page = await response.text()
    expect(page).not.toMatch(/<(?:script|link|img|iframe|form|a)\b|\bon\w+=|javascript:/i)
    const style = /<style>(.*)<\/style>/s.exec(page)?.[1] ?? ''
    const hash = createHash('sha256').update(style).digest('base64')
    expect(response.headers.get('content-security-policy')).toContain(`style-src 'sha256-${hash}'`)
  })

  it('is the same for whatever comes that nobody waits for', async () => {
    const { callbacks, address } = await serveCallbacks()
    callbacks.expect('expected', () => Promise.resolve())
    const usual = await (await fetch(address)).text()
    const names = fc.constantFrom('state', 'code', 'error', 'error_description', 'iss', 'x')
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(names, fc.string())), async (pairs) => {
        const response = await fetch(`${address}?${new URLSearchParams(pairs).toString()}`)
        expect([response.status, await response.text()]).toEqual([400, usual])
      }),
      { numRuns: 50 },
    )
  })

  it('says what went wrong and what to do', async () => {
    const { callbacks, address } = await serveCallbacks()
    callbacks.expect('expected', () => Promise.reject(new BridgeError('oauth.issuer_mismatch')))
    const page = await (await fetch(`${address}?state=expected`)).text()
    expect(page).toContain('The answer to the sign-in came from another authorization server')
    expect(page).toContain('Do not go on; nothing of the answer was used.')
  })

  it('comes when the sign-in is finished and not before', async () => {
    const { callbacks, address } = await serveCallbacks()
    let finish = (): void => undefined
    const order: string[] = []
    const begun = new Promise<void>((resolve) => {
      callbacks.expect('expected', () => {
        resolve()
        return new Promise((done) => {
          finish = () => {
            order.push('finished')
            done()
          }
        })
      })
    })
    const page = fetch(`${address}?state=expected`).then(() => order.push('page'))
    await begun
    // Another page has come and gone meanwhile.
    await (await fetch(address)).text()
    finish()
    await page
    expect(order).toEqual(['finished', 'page'])
  })
})

describe('a state (RFC 6749 §10.12)', () => {
  it('is forgotten before its answer is looked at, so that a second one cannot race it', async () => {
    const { callbacks, address } = await serveCallbacks()
    const received: string[] = []
    let finish = (): void => undefined
    const begun = new Promise<void>((resolve) => {
      callbacks.expect('expected', (parameters) => {
        received.push(parameters.get('code') ?? '')
        resolve()
        return new Promise((done) => (finish = done))
      })
    })
    const first = fetch(`${address}?state=expected&code=first`)
    await begun
    const second = await fetch(`${address}?state=expected&code=second`)
    finish()
    expect([(await first).status, second.status]).toEqual([200, 400])
    expect(received).toEqual(['first'])
  })

  it('that nobody waits for any more reaches nobody', async () => {
    const { callbacks, address } = await serveCallbacks()
    const received: URLSearchParams[] = []
    const stop = callbacks.expect('expected', (parameters) => {
      received.push(parameters)
      return Promise.resolve()
    })
    stop()
    expect((await fetch(`${address}?state=expected`)).status).toBe(400)
    expect(received).toEqual([])
  })

  it('reaches its own receiver alone', async () => {
    const { callbacks, address } = await serveCallbacks()
    const received: string[] = []
    for (const state of ['one', 'two', 'three']) {
      callbacks.expect(state, () => {
        received.push(state)
        return Promise.resolve()
      })
    }
    await fetch(`${address}?state=two`)
    await callbacks.deliver(`${address}?state=three`, 'three')
    expect(received).toEqual(['two', 'three'])
  })
})

describe('an address that was pasted', () => {
  it.each([
    ['', 'oauth.callback_invalid'],
    ['code', 'oauth.callback_invalid'],
    ['/oauth/callback?state=expected', 'oauth.callback_invalid'],
    ['http://127.0.0.1:1/oauth/callback/?state=expected', 'oauth.callback_invalid'],
    ['http://127.0.0.1:1/?state=expected', 'oauth.callback_invalid'],
    ['http://127.0.0.1:1/oauth/callback', 'oauth.state_unknown'],
    ['http://127.0.0.1:1/oauth/callback?state=', 'oauth.state_unknown'],
    ['http://127.0.0.1:1/oauth/callback?state=expected&state=expected', 'oauth.state_unknown'],
    ['http://127.0.0.1:1/oauth/callback#state=expected', 'oauth.state_unknown'],
  ])('is refused as %o: %s', async (address, code) => {
    const callbacks = createCallbacks()
    callbacks.expect('expected', () => Promise.resolve())
    await expect(callbacks.deliver(address, 'expected')).rejects.toMatchObject({ code })
    await callbacks.deliver('http://127.0.0.1:1/oauth/callback?state=expected', 'expected')
  })

  it('cannot answer another sign-in than the one it is pasted for', async () => {
    const callbacks = createCallbacks()
    const received: string[] = []
    callbacks.expect('other', () => {
      received.push('other')
      return Promise.resolve()
    })
    const address = 'http://127.0.0.1:1/oauth/callback?state=other'
    await expect(callbacks.deliver(address, 'expected')).rejects.toMatchObject({
      code: 'oauth.state_unknown',
    })
    expect(received).toEqual([])
  })
})
