import { homedir } from 'node:os'
import { resolve } from 'node:path'
import { ClientAppId } from '../../shared/client-app.ts'
import { type ClientPlace, clientVariables } from '../../shared/client-change.ts'
import { BridgeError } from '../../shared/errors.ts'
import type { Face } from './face.ts'

/** A client app as typed. Throws `clients.unknown`. */
export function parseApp(typed: string): ClientAppId {
  const parsed = ClientAppId.safeParse(typed)
  if (!parsed.success) throw new BridgeError('clients.unknown', typed.slice(0, 60))
  return parsed.data
}

/** Where the person at this command has settings. The bridge may have been started elsewhere, with another environment. */
export function placeOf({ env }: Face, project?: string): ClientPlace {
  const named = clientVariables.flatMap((name) => {
    const value = env[name]
    return value ? [[name, value] as const] : []
  })
  return {
    home: homedir(),
    env: Object.fromEntries(named),
    ...(project === undefined ? {} : { project: resolve(project) }),
  }
}
