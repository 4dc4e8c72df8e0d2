import { ORPCError } from '@orpc/client'
import { Failure } from '../../shared/errors.ts'

/** What the bridge said went wrong; a line that broke is `bridge.unreachable`. */
export function failureOf(thrown: unknown): Failure {
  if (!(thrown instanceof ORPCError)) return { code: 'bridge.unreachable' }
  const said = Failure.safeParse(thrown.data)
  if (said.success) return said.data
  return thrown.status < 500 ? { code: 'bridge.request_invalid' } : { code: 'bridge.internal' }
}
