import type { Browser } from '../../bridge/ports.ts'
import { BridgeError } from '../../shared/errors.ts'

/** Where a sign-in ended in the browser. */
export interface Visit {
  /** The last address: the callback with its parameters when the sign-in came back. */
  readonly url: URL
  /** Every address on the way, the first one included. */
  readonly hops: readonly URL[]
  /** Status and page of the last address; absent when the visit stopped before it was fetched. */
  readonly status?: number
  readonly page?: string
}

export interface VisitOptions {
  /** Stops with the callback's address in hand and does not fetch it, as when it is to be pasted. */
  readonly stopAtCallback?: boolean
}

/** A browser as far as a sign-in needs one: it follows redirects, keeps cookies and presses a button. */
export interface PretendBrowser {
  /** Signs in and presses Allow wherever it is asked. */
  approve(url: string | URL, options?: VisitOptions): Promise<Visit>
  /** Signs in and presses Deny where it is asked for consent. */
  deny(url: string | URL, options?: VisitOptions): Promise<Visit>
  /** Goes to an address and presses nothing. */
  visit(url: string | URL, options?: VisitOptions): Promise<Visit>
}

const loopbackHosts = new Set(['127.0.0.1', 'localhost', '[::1]'])
const hopLimit = 30

/** A browser with cookies of its own. It goes to this machine only and throws on any other address. */
export function createPretendBrowser(): PretendBrowser {
  const cookies = createCookieJar()

  async function travel(
    start: string | URL,
    press: 'allow' | 'deny' | undefined,
    { stopAtCallback = false }: VisitOptions,
  ): Promise<Visit> {
    const callback = new URL(start).searchParams.get('redirect_uri')
    const hops: URL[] = []
    let next: { url: URL; form?: URLSearchParams } = { url: new URL(start) }
    while (hops.length < hopLimit) {
      const { url, form } = next
      if (!loopbackHosts.has(url.hostname))
        throw new Error(`a browser of the tests does not go to ${url.origin}`)
      hops.push(url)
      if (stopAtCallback && callback !== null && isSamePlace(url, new URL(callback))) return { url, hops }
      const response = await fetch(url, {
        redirect: 'manual',
        headers: { accept: 'text/html', cookie: cookies.header(url) },
        ...(form === undefined ? {} : { method: 'POST', body: form }),
      })
      cookies.store(url, response.headers.getSetCookie())
      const page = await response.text()
      const location = response.headers.get('location')
      if (location !== null) {
        next = { url: new URL(location, url) }
        continue
      }
      const button = press === undefined ? undefined : buttonToPress(page, press)
      if (button === undefined) return { url, hops, status: response.status, page }
      next = { url, form: new URLSearchParams([['decision', button]]) }
    }
    throw new Error(`more than ${hopLimit} addresses in one visit`)
  }

  return {
    approve: (url, options = {}) => travel(url, 'allow', options),
    deny: (url, options = {}) => travel(url, 'deny', options),
    visit: (url, options = {}) => travel(url, undefined, options),
  }
}

/** Approves in a browser that has never been used. */
export function approve(url: string | URL, options?: VisitOptions): Promise<Visit> {
  return createPretendBrowser().approve(url, options)
}

/** Denies in a browser that has never been used. */
export function deny(url: string | URL, options?: VisitOptions): Promise<Visit> {
  return createPretendBrowser().deny(url, options)
}

/** The bridge's `Browser` port: it notes what was opened and lets `go` do the rest, without being waited for. */
export function createBrowserPort(go: (url: URL) => Promise<unknown>): Browser & { readonly opened: URL[] } {
  const opened: URL[] = []
  return {
    opened,
    open(url) {
      opened.push(url)
      // A real browser is not waited for either; what goes wrong in it shows as a sign-in that never comes back.
      go(url).catch(() => undefined)
      return Promise.resolve()
    },
  }
}

/** A `Browser` port that fails to start, as on a machine without one. */
export function createBrokenBrowserPort(): Browser {
  return { open: () => Promise.reject(new BridgeError('browser.failed')) }
}

/** Deny where the page offers it; a page with one way on, such as the login, is taken either way. */
function buttonToPress(page: string, wanted: 'allow' | 'deny'): string | undefined {
  const offered = [...page.matchAll(/<button name="decision" value="([a-z]+)"/g)].map(([, value]) => value)
  return offered.find((value) => value === wanted) ?? offered[0]
}

function isSamePlace(one: URL, other: URL): boolean {
  return one.origin === other.origin && one.pathname === other.pathname
}

interface Cookie {
  readonly host: string
  readonly path: string
  readonly name: string
  readonly value: string
}

/** Cookies by host and path. Ports do not tell hosts apart, as in a real browser (RFC 6265 §8.5). */
function createCookieJar(): { header(url: URL): string; store(url: URL, lines: string[]): void } {
  let cookies: Cookie[] = []
  return {
    header: (url) =>
      cookies
        .filter(({ host, path }) => host === url.hostname && isWithin(url.pathname, path))
        .map(({ name, value }) => `${name}=${value}`)
        .join('; '),
    store(url, lines) {
      for (const line of lines) {
        const [pair = '', ...attributes] = line.split(';').map((part) => part.trim())
        const attribute = (wanted: string): string | undefined =>
          attributes.find((text) => text.toLowerCase().startsWith(`${wanted}=`))?.slice(wanted.length + 1)
        const separator = pair.indexOf('=')
        const cookie: Cookie = {
          host: url.hostname,
          path: attribute('path') ?? '/',
          name: pair.slice(0, separator),
          value: pair.slice(separator + 1),
        }
        cookies = cookies.filter(
          ({ host, path, name }) => host !== cookie.host || path !== cookie.path || name !== cookie.name,
        )
        const expires = attribute('expires')
        const isGone =
          attribute('max-age') === '0' || (expires !== undefined && Date.parse(expires) <= Date.now())
        if (!isGone) cookies.push(cookie)
      }
    },
  }
}

function isWithin(path: string, cookiePath: string): boolean {
  if (cookiePath === '/' || path === cookiePath) return true
  return path.startsWith(cookiePath.endsWith('/') ? cookiePath : `${cookiePath}/`)
}
