import { protocol, type Session } from 'electron'
import { documentHeaders, pageFileAt, pagePath, readPageFiles } from '../../bridge/page/files.ts'

const scheme = 'app'
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

/** Makes the scheme one that has an origin and secure contexts. It must be said before the app is ready. */
export function declarePageScheme(): void {
  protocol.registerSchemesAsPrivileged([
    { scheme, privileges: { standard: true, secure: true, supportFetchAPI: true } },
  ])
}

/** Serves the built page in `folder` under our own scheme, with the policy that the bridge sends with it too, and nothing else. */
export function servePage(session: Session, folder: string): void {
  let files: ReturnType<typeof readPageFiles> | undefined
  session.protocol.handle(scheme, async ({ method, url }) => {
    if (method !== 'GET' || !isPageAddress(url)) return new Response(null, { status: 404 })
    files ??= readPageFiles(folder)
    const file = await files.then((all) => pageFileAt(all, new URL(url).pathname)).catch(() => undefined)
    if (!file) {
      files = undefined
      return new Response(null, { status: 404 })
    }
    const headers = { ...documentHeaders, 'content-type': file.type, 'cache-control': 'no-store' }
    return new Response(new Uint8Array(file.body), { headers })
  })
}
