/** Opens a page in the browser, beside this window and without a way back to it. Nothing but http and https is opened. */
export function openPage(url: URL): void {
  if (url.protocol === 'https:' || url.protocol === 'http:')
    window.open(url.href, '_blank', 'noopener,noreferrer')
}
