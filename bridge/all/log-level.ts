import { findParams, stringAt, type RpcMessage } from '../channel/rpc-message.ts'
import type { Child } from './child.ts'
import { ownRequest } from './era.ts'

/** The log level that a client of the older era has set, for all servers that log, those that are begun later too. */
export class LogLevel {
  /** The client's last `logging/setLevel`. */
  request: RpcMessage | undefined

  /** Tells a server, if there is anything to tell. What it answers matters to nobody. */
  tell(child: Child): void {
    const { request } = this
    const level = request && stringAt(request.bytes, findParams(request, ['level'])?.[0])
    if (level === undefined || child.greeting?.capabilities?.includes('logging') === false) return
    const nothing = (): void => undefined
    child.ask(ownRequest('logging/setLevel', { level }, request), { answered: nothing, dropped: nothing })
  }
}
