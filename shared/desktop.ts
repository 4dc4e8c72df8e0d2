import { eventIterator, oc } from '@orpc/contract'
import { z } from 'zod'
import { Failure } from './errors.ts'

/** What the tray app itself remembers; the bridge knows nothing of it. */
export const DesktopSettings = z.strictObject({
  startAtLogin: z.boolean().describe('off until the person turns it on'),
})
export type DesktopSettings = z.infer<typeof DesktopSettings>

const procedure = oc.errors({ FAILURE: { status: 422, data: Failure } })

/** What the page may ask of the tray app around it, beside the control API. In a browser there is none. */
export const desktop = {
  settings: procedure.input(z.strictObject({})).output(DesktopSettings),
  set: procedure.input(DesktopSettings.partial()).output(DesktopSettings),
  /** The places that the person asks for in the tray or by a notification, such as `/servers/linear`. */
  places: procedure.input(z.strictObject({})).output(eventIterator(z.string().max(500).startsWith('/'))),
}
export type Desktop = typeof desktop
