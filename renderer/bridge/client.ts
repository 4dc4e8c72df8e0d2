import { createORPCClient } from '@orpc/client'
import { RPCLink } from '@orpc/client/fetch'
import type { ContractRouterClient } from '@orpc/contract'
import type { Control } from '../../shared/control.ts'
import { secretHeader } from './admission.ts'

/** The control API as the page has it. */
export type BridgeClient = ContractRouterClient<Control>

/** The bridge that serves this page, over HTTP. */
export function connectOverHttp(origin: string, secret: string): BridgeClient {
  return createORPCClient(new RPCLink({ url: `${origin}/ui/api`, headers: { [secretHeader]: secret } }))
}
