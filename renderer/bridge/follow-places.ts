import { navigate } from 'wouter/use-browser-location'
import type { DesktopClient } from './connect.ts'

/** Goes where the person asks to in the tray or by a notification, until it is aborted. */
export function followPlaces(desktop: DesktopClient): AbortController {
  const stop = new AbortController()
  const follow = async (): Promise<void> => {
    for await (const place of await desktop.places({}, stop)) navigate(`/ui${place}`)
  }
  // Without the tray app there is no page either.
  follow().catch(() => undefined)
  return stop
}
