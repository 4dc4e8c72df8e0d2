import { clipboard, dialog } from 'electron'
import type { ControlClient } from '../../bridge/control/client.ts'
import type { ConnectionId } from '../../shared/connection.ts'
import { BridgeError, errors, toFailure } from '../../shared/errors.ts'
import type { Notice } from '../notifications/rules.ts'
import { receiptNotice } from '../notifications/receipt.ts'
import { openOutside } from '../window/outside.ts'
import type { MenuAction } from './menu.ts'

/** What a click in the menu can reach. */
export interface ActionParts {
  readonly control: ControlClient
  open(place?: string): void
  readonly notify: (notice: Notice) => void
  tryAgain(): void
  quit(): void
}

/** Does what a line of the menu says. What fails is told by a notification. Never rejects. */
export async function act(action: MenuAction, parts: ActionParts): Promise<void> {
  switch (action.does) {
    case 'open':
      return parts.open(action.at)
    case 'try-again':
      return parts.tryAgain()
    case 'quit':
      return parts.quit()
    default:
      try {
        await actOn(action.id, action.does, parts)
      } catch (thrown) {
        parts.notify(failureNotice(action.id, thrown))
      }
  }
}

async function actOn(
  id: ConnectionId,
  does: Extract<MenuAction, { id: ConnectionId }>['does'],
  { control, notify }: ActionParts,
): Promise<void> {
  const { connections } = control
  switch (does) {
    case 'sign-in':
      return signIn(id, control)
    case 'cancel-sign-in':
      await connections.cancelSignIn({ id })
      return
    case 'copy-endpoint':
      await clipboard.writeText((await connections.endpoint({ id, client: 'default' })).url)
      return
    case 'revoke': {
      const detail = `Every call and stream of every client app to ${id} ends now, and the server is told to end the access that you gave. The server stays in the list.`
      if (!(await isWanted(`Revoke access to ${id}?`, detail, 'Revoke access'))) return
      return notify(receiptNotice(await connections.revoke({ id })))
    }
    case 'remove': {
      const detail = `${id} is forgotten here. What it still holds is revoked first.`
      if (!(await isWanted(`Remove ${id}?`, detail, 'Remove'))) return
      const receipt = await connections.remove({ id })
      return receipt ? notify({ ...receiptNotice(receipt), opens: '/servers' }) : undefined
    }
    default:
      return does satisfies never
  }
}

/** Begins a sign-in, or joins the one under way, and opens the browser. It goes on in the bridge. */
async function signIn(id: ConnectionId, { connections }: ControlClient): Promise<void> {
  for await (const event of await connections.signIn({ id, openBrowser: false })) {
    if (event.event === 'authorize') {
      if (!(await openOutside(event.url))) throw new BridgeError('browser.failed')
      return
    }
    if (event.event === 'failed') throw new BridgeError(event.code, event.detail)
    return
  }
}

async function isWanted(message: string, detail: string, yes: string): Promise<boolean> {
  const { response } = await dialog.showMessageBox({
    type: 'warning',
    title: 'Bridgekeeper',
    message,
    detail,
    buttons: [yes, 'Keep it'],
    defaultId: 1,
    cancelId: 1,
  })
  return response === 0
}

function failureNotice(id: ConnectionId, thrown: unknown): Notice {
  const { code } = toFailure(thrown)
  return {
    key: `failure:${id}`,
    title: `${id}: that did not work`,
    body: `${errors[code].cause}.`,
    opens: `/servers/${id}`,
  }
}
