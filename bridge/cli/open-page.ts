import type { ControlClient } from '../control/client.ts'
import type { Face } from './face.ts'

/**
 * Opens an address in the browser of the person at this face, and says whether that went well. This process does it and not the bridge: its
 * BROWSER, display and session are those of the person.
 */
export async function opensPage({ env }: Face, control: ControlClient, url: string): Promise<boolean> {
  const { systemBrowser } = await import('../browser.ts')
  const command = env['BROWSER'] || (await control.settings.get({})).browser
  try {
    await systemBrowser({ command, platform: process.platform, env }).open(new URL(url))
    return true
  } catch {
    return false
  }
}
