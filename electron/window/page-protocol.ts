import { protocol, type Session } from 'electron'
import { documentHeaders, pageFileAt, readPageFiles } from '../../bridge/page/files.ts'
import { isPageAddress, scheme } from './page-address.ts'

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
