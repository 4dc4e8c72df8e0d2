import type { Face } from '../face.ts'
import { opensPage } from '../open-page.ts'
import { text } from '../text.ts'

/** The options of `ui` as typed. */
export interface UiOptions {
  readonly browser: boolean
}

/** Opens the window's page in the browser. The address lets one browser in, once, so it is shown only where it is needed. */
export async function ui(face: Face, { browser }: UiOptions): Promise<void> {
  const { terminal } = face
  const control = await face.control()
  const { url } = await control.page.invite({})
  const opened = browser && (await opensPage(face, control, url))
  terminal.answer({ url, opened }, () =>
    opened
      ? [text`The page opens in your browser.`]
      : [text`Open this address in a browser. It works once, within a minute:`, text`  ${url}`],
  )
}
