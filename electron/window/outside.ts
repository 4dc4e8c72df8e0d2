import { shell } from 'electron'

/**
 * Opens an address in the person's browser, if it is one for a browser: the system would start programs for others. Resolves with whether it
 * was opened.
 */
export async function openOutside(address: string): Promise<boolean> {
  if (!URL.canParse(address)) return false
  const url = new URL(address)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return false
  // A name and password before the host are there to deceive the eye.
  if (url.username !== '' || url.password !== '') return false
  return await shell.openExternal(url.href).then(
    () => true,
    () => false,
  )
}
