import type { Session, WebContents } from 'electron'
import { isPageAddress } from './page-address.ts'
import { openOutside } from './outside.ts'

/** Everything that a page may ask a system for is refused, but one thing: to copy a text of its own after a click. */
export function denyPermissions(session: Session): void {
  session.setPermissionRequestHandler((contents, permission, decide) => {
    decide(permission === 'clipboard-sanitized-write' && isPageAddress(contents.getURL()))
  })
  session.setPermissionCheckHandler(
    (contents, permission) =>
      permission === 'clipboard-sanitized-write' && contents !== null && isPageAddress(contents.getURL()),
  )
  session.setDevicePermissionHandler(() => false)
}

/** Nothing but the page itself is ever fetched, whatever the page's own policy would let through. */
export function refuseOtherRequests(session: Session): void {
  session.webRequest.onBeforeRequest(({ url }, decide) => {
    // A picture in its own address comes from nowhere, and the tools for developers are there in development alone.
    const isOfPage = isPageAddress(url) || url.startsWith('data:') || url.startsWith('devtools://')
    decide({ cancel: !isOfPage })
  })
}

/** Keeps web contents on our page: no other place, no other window, nothing embedded. What is for a browser goes there. */
export function confine(contents: WebContents): void {
  contents.on('will-navigate', (event) => {
    if (!isPageAddress(event.url)) event.preventDefault()
  })
  contents.on('will-frame-navigate', (event) => {
    if (!event.isMainFrame || !isPageAddress(event.url)) event.preventDefault()
  })
  contents.on('will-redirect', (event) => event.preventDefault())
  contents.on('will-attach-webview', (event) => event.preventDefault())
  contents.setWindowOpenHandler(({ url }) => {
    void openOutside(url)
    return { action: 'deny' }
  })
}
