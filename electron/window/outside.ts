import { shell } from 'electron'
import { browserAddress } from './page-address.ts'

/** Opens an address in the person's browser, if it is one for a browser. Resolves with whether it was opened. */
export async function openOutside(address: string): Promise<boolean> {
  const checked = browserAddress(address)
  if (checked === undefined) return false
  return await shell.openExternal(checked).then(
    () => true,
    () => false,
  )
}
