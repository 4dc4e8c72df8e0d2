import type { Connection, ConnectionId } from '../../shared/connection.ts'
import { errors } from '../../shared/errors.ts'
import { listed, plainLine } from '../words.ts'
import { asks, type TrayState } from './tray-state.ts'

/** What a click in the menu does. */
export type MenuAction =
  /** Shows the window, at one of its places such as `/servers/add`, or where it was. */
  | { readonly does: 'open'; readonly at?: string }
  | {
      readonly does: 'sign-in' | 'cancel-sign-in' | 'copy-endpoint' | 'revoke' | 'remove'
      readonly id: ConnectionId
    }
  | { readonly does: 'try-again' | 'quit' }

/** One line of the menu. A line without an action only says something. */
export type MenuLine =
  | { readonly is: 'separator' }
  | { readonly is: 'line'; readonly label: string; readonly action?: MenuAction }
  | { readonly is: 'menu'; readonly label: string; readonly lines: readonly MenuLine[] }

/** How many connections the menu lists; the window has them all. */
const most = 40
/** How long an account or scope may be in the menu, in characters. */
const longest = 48

const separator: MenuLine = { is: 'separator' }

/** The whole menu, from what is known now. */
export function trayMenu(state: TrayState): readonly MenuLine[] {
  const { bridge, approvals } = state
  return [
    { is: 'line', label: headline(state) },
    ...(bridge.is === 'lost' ? [line('Try again now', { does: 'try-again' })] : []),
    ...(bridge.is === 'running' && bridge.otherVersion !== undefined
      ? [line(`The bridge is of version ${plainLine(bridge.otherVersion, 20)}`)]
      : []),
    separator,
    ...(bridge.is === 'running' && approvals > 0 ? [approvalLine(approvals), separator] : []),
    ...(bridge.is === 'running' ? connectionLines(state.connections) : []),
    line('Add a server…', { does: 'open', at: '/servers/add' }),
    line('Client apps…', { does: 'open', at: '/clients' }),
    separator,
    line('Open Bridgekeeper', { does: 'open' }),
    line('Quit', { does: 'quit' }),
  ]
}

/** The menu's first line, and what the icon says on hover. */
export function headline({ bridge, connections, approvals }: TrayState): string {
  if (bridge.is === 'starting') return 'Bridgekeeper starts…'
  if (bridge.is === 'lost') return `Bridgekeeper does not run. ${errors[bridge.failure.code].cause}.`
  const asking = connections.filter(asks).length + (approvals > 0 ? 1 : 0)
  const connected = connections.filter(({ status }) => status === 'connected').length
  const parts = [
    connections.length === 0 ? 'no servers yet' : `${connected} connected`,
    ...(asking === 0 ? [] : [asking === 1 ? '1 asks for you' : `${asking} ask for you`]),
  ]
  return `Bridgekeeper: ${parts.join(', ')}`
}

function approvalLine(approvals: number): MenuLine {
  const label = approvals === 1 ? '1 call waits for you…' : `${approvals} calls wait for you…`
  return line(label, { does: 'open', at: '/approvals' })
}

function connectionLines(connections: readonly Connection[]): readonly MenuLine[] {
  if (connections.length === 0) return []
  // Only where not all have room do those that ask come first.
  const ordered =
    connections.length <= most
      ? connections
      : [...connections.filter(asks), ...connections.filter((one) => !asks(one))]
  const rest = connections.length - most
  return [
    ...ordered.slice(0, most).map(connectionMenu),
    ...(rest > 0 ? [line(`${rest} more…`, { does: 'open', at: '/servers' })] : []),
    separator,
  ]
}

function connectionMenu(connection: Connection): MenuLine {
  const { id, status, scopes } = connection
  const hasAccess = status === 'connected' || status === 'retrying' || scopes.granted.length > 0
  return {
    is: 'menu',
    label: `${id}: ${stateWords(connection)}`,
    lines: [
      ...questionLines(connection),
      line('Copy endpoint', { does: 'copy-endpoint', id }),
      line('Details…', { does: 'open', at: `/servers/${id}` }),
      separator,
      hasAccess ? line('Revoke access…', { does: 'revoke', id }) : line('Remove…', { does: 'remove', id }),
    ],
  }
}

/** What the connection asks for, as the thing to press. */
function questionLines({ id, auth, status, stepUp }: Connection): readonly MenuLine[] {
  if (status === 'signing-in') {
    return [
      line('Open the browser again', { does: 'sign-in', id }),
      line('Cancel the sign-in', { does: 'cancel-sign-in', id }),
    ]
  }
  if (stepUp) return [line('Allow in browser…', { does: 'sign-in', id })]
  if (auth !== 'oauth') return []
  if (status === 'signed-out') return [line('Connect…', { does: 'sign-in', id })]
  if (status === 'sign-in-again' || status === 'failed')
    return [line('Sign in again…', { does: 'sign-in', id })]
  return []
}

function stateWords({ status, account, scopes, stepUp }: Connection): string {
  if (stepUp) {
    const more = stepUp.scopes.filter((scope) => !scopes.granted.includes(scope))
    return `asks for ${plainLine(listed(more.length > 0 ? more : stepUp.scopes), longest)}`
  }
  switch (status) {
    case 'connected':
      return account === undefined ? 'connected' : `connected as ${plainLine(account, longest)}`
    case 'signing-in':
      return 'waiting for you in the browser'
    case 'signed-out':
      return 'signed out'
    case 'retrying':
      return 'trying again'
    case 'sign-in-again':
      return 'sign in again'
    case 'failed':
      return 'broken'
    default:
      return status satisfies never
  }
}

function line(label: string, action?: MenuAction): MenuLine {
  return { is: 'line', label, ...(action === undefined ? {} : { action }) }
}
