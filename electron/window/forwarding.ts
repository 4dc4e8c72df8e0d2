import { isContractProcedure, type AnyContractRouter } from '@orpc/contract'
import type { ControlClient } from '../../bridge/control/client.ts'
import type { ControlHandlers } from '../../bridge/control/handlers.ts'
import { control } from '../../shared/control.ts'

type Ask = (input: unknown, options: { signal: AbortSignal }) => unknown

/** Every procedure of the control API, done by asking the bridge. The window can do nothing that the command line cannot. */
export function forwardTo(client: ControlClient): ControlHandlers {
  return forward(control, client) as ControlHandlers
}

/** The client has the contract's shape, so that walking both at once finds each procedure its question. */
function forward(contract: AnyContractRouter, client: unknown): unknown {
  if (isContractProcedure(contract)) {
    return (input: unknown, signal: AbortSignal) => (client as Ask)(input, { signal })
  }
  const parts = client as Record<string, unknown>
  return Object.fromEntries(
    Object.entries(contract).map(([name, part]) => [name, forward(part, parts[name])]),
  )
}
