import { createORPCClient } from '@orpc/client'
import { RPCLink as PortLink } from '@orpc/client/message-port'
import type { ContractRouterClient } from '@orpc/contract'
import type { Desktop } from '../../shared/desktop.ts'
import { takeAdmission } from './admission.ts'
import { connectOverHttp, type BridgeClient } from './client.ts'

/** The tray app around this page, as the page has it. */
export type DesktopClient = ContractRouterClient<Desktop>

/** What this page works with, in either of its homes. */
export interface Connected {
  readonly bridge: BridgeClient
  /** Undefined in a browser. */
  readonly desktop?: DesktopClient
}

/** By what the tray app's preload script shows itself, and the word by which it takes a port. */
const trayMark = 'bridgekeeperTray'
const portWord = 'bridgekeeper:port'

/** Connects to the tray app that shows this page, else to the bridge that served it; undefined where nobody let this browser in. */
export function connectHere(here: Window): Connected | undefined {
  if (trayMark in here) return connectOverPort(here)
  const secret = takeAdmission(here)
  return secret === undefined ? undefined : { bridge: connectOverHttp(here.location.origin, secret) }
}

function connectOverPort(here: Window): Connected {
  const { port1, port2 } = new MessageChannel()
  port1.start()
  here.postMessage(portWord, here.location.origin, [port2])
  const client = createORPCClient<{ bridge: BridgeClient; desktop: DesktopClient }>(
    new PortLink({ port: port1 }),
  )
  // Each look at a part of the client makes it anew, and effects tell parts apart by identity.
  return { bridge: client.bridge, desktop: client.desktop }
}
