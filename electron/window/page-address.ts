import { pagePath } from '../../bridge/page/files.ts'

/** The scheme that the page has in the tray app. */
export const scheme = 'app'
const host = 'bridgekeeper'

/** Where a place of the window, such as `/servers/add`, has its address. */
export function addressOf(place: string): string {
  return `${scheme}://${host}${pagePath}${place.replace(/^\/+/, '')}`
}

/** Whether an address is one of the page. Not by its beginning: `app://bridgekeeper.example` begins like ours. */
export function isPageAddress(address: string): boolean {
  if (!URL.canParse(address)) return false
  const url = new URL(address)
  return url.protocol === `${scheme}:` && url.host === host && url.pathname.startsWith(pagePath)
}

/** An address that may go to the person's browser, in its plain spelling; undefined for others, for which the system would start programs. */
export function browserAddress(address: string): string | undefined {
  if (!URL.canParse(address)) return undefined
  const { protocol, username, password, href } = new URL(address)
  if (protocol !== 'https:' && protocol !== 'http:') return undefined
  // A name and a password before the host are there to deceive the eye.
  return username === '' && password === '' ? href : undefined
}
