import { z } from 'zod'
import { ErrorCode } from '../../shared/errors.ts'

/** How the client's part of a scenario ended: the driver's last line. `code` is the bridge's error, if it was one. */
export const Ending = z.strictObject({ well: z.boolean(), code: ErrorCode.optional() })
export type Ending = z.infer<typeof Ending>

/** Scenarios in which the bridge must refuse, and why. The referee takes any refusal, even one by mistake. */
const refusals: Readonly<Record<string, ErrorCode>> = {
  'auth/resource-mismatch': 'discovery.resource_mismatch',
  'auth/metadata-issuer-mismatch': 'discovery.issuer_mismatch',
  'auth/iss-supported-missing': 'oauth.issuer_missing',
  'auth/iss-wrong-issuer': 'oauth.issuer_mismatch',
  'auth/iss-unexpected': 'oauth.issuer_mismatch',
  'auth/iss-normalized': 'oauth.issuer_mismatch',
  'auth/scope-retry-limit': 'step_up.limit',
}

/** What is wrong with the way a scenario ended for the client, in words; undefined when nothing is. */
export function endingFault(scenario: string, ending: Ending | undefined): string | undefined {
  const wanted = refusals[scenario]
  if (ending === undefined) return 'the client did not end in time'
  if (wanted === undefined)
    return ending.well ? undefined : `the client failed with ${ending.code ?? 'an error'}`
  return ending.code === wanted
    ? undefined
    : `the client ended with ${ending.code ?? 'success'}, not ${wanted}`
}
