import { createHash } from 'node:crypto'
import { z } from 'zod'
import { ConnectionId, Scope, Trace } from '../../shared/connection.ts'
import { Grant, Registration } from '../oauth/grant.ts'
import type { RecordKind } from '../vault/record.ts'

/** What a connection is, apart from its grant. It lies in the vault whole, since keys and client secrets are in it. */
export const ConnectionRecord = z.object({
  id: ConnectionId,
  url: z.string(),
  createdAt: z.number(),
  auth: z.discriminatedUnion('kind', [
    z.object({
      kind: z.literal('oauth'),
      ownClient: z
        .object({
          clientId: z.string(),
          clientSecret: z.string().optional(),
          /** The issuer it was first used with. */
          issuer: z.string().optional(),
        })
        .optional(),
      metadataUrl: z.string().optional(),
      chosenScopes: z.array(Scope).optional(),
      allowMissingPkce: z.boolean(),
      /** The server was found to serve without a sign-in. */
      open: z.boolean(),
    }),
    /** The key is absent after it was destroyed by a revocation. */
    z.object({ kind: z.literal('bearer'), token: z.string().optional() }),
    z.object({ kind: z.literal('headers'), headers: z.array(z.tuple([z.string(), z.string()])).optional() }),
  ]),
})
export type ConnectionRecord = z.infer<typeof ConnectionRecord>

/** The part of a record that signs in. */
export type OAuthRecord = Extract<ConnectionRecord['auth'], { kind: 'oauth' }>

/** A record that this version wrote or can read; another version's throws. */
function firstVersion<T>(name: string, schema: z.ZodType<T>): RecordKind<T> {
  return {
    name,
    version: 1,
    parse(value, version) {
      if (version !== 1) throw new Error(`no reader for version ${version} of ${name}`)
      return schema.parse(value)
    },
  }
}

export const connectionRecords = firstVersion('connection', ConnectionRecord)
export const grantRecords = firstVersion('grant', Grant)
export const registrationRecords = firstVersion('registration', Registration)
export const traceRecords = firstVersion('trace', Trace)

/** The id under which the registration at an issuer is kept. */
export function registrationId(issuer: string): string {
  return createHash('sha256').update(issuer).digest('hex').slice(0, 32)
}
