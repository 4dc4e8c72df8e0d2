import { z } from 'zod'
import { RegistrationKind } from '../../shared/connection.ts'
import { Failure } from '../../shared/errors.ts'

/**
 * The fields of an authorization server's metadata (RFC 8414 §2) that we use, as the server spells them.
 * Unknown fields are dropped; missing required ones that servers in the field omit are tolerated.
 */
export const ServerMetadata = z.object({
  issuer: z.string(),
  authorization_endpoint: z.string(),
  token_endpoint: z.string(),
  registration_endpoint: z.string().optional(),
  revocation_endpoint: z.string().optional(),
  introspection_endpoint: z.string().optional(),
  userinfo_endpoint: z.string().optional(),
  jwks_uri: z.string().optional(),
  scopes_supported: z.array(z.string()).optional(),
  response_types_supported: z.array(z.string()).optional(),
  grant_types_supported: z.array(z.string()).optional(),
  code_challenge_methods_supported: z.array(z.string()).optional(),
  token_endpoint_auth_methods_supported: z.array(z.string()).optional(),
  revocation_endpoint_auth_methods_supported: z.array(z.string()).optional(),
  authorization_response_iss_parameter_supported: z.boolean().optional(),
  client_id_metadata_document_supported: z.boolean().optional(),
})
export type ServerMetadata = z.infer<typeof ServerMetadata>

/** Our identity at one issuer. Bound to it: never sent to another. */
export const Registration = z.object({
  issuer: z.string(),
  kind: RegistrationKind,
  clientId: z.string(),
  clientSecret: z.string().optional(),
  /** How the token endpoint wants the secret (RFC 7591 §2); `none` without one. */
  authMethod: z.enum(['none', 'client_secret_basic', 'client_secret_post']),
  /** The redirect URI it was registered with, exactly as it must be sent. */
  redirectUri: z.string(),
  /** Milliseconds since the epoch after which the secret ends; absent: never. */
  expiresAt: z.number().optional(),
})
export type Registration = z.infer<typeof Registration>

/** Tokens that an earlier sign-in left alive at their server. They are never used again, only ended. */
const Superseded = z.object({
  accessToken: z.string(),
  refreshToken: z.string().optional(),
  server: ServerMetadata,
  registration: Registration,
})
export type Superseded = z.infer<typeof Superseded>

/** Tokens with all that is needed to use, renew and end them. It exists sealed in the vault and in memory, nowhere else. */
export const Grant = z.object({
  accessToken: z.string(),
  refreshToken: z.string().optional(),
  idToken: z.string().optional(),
  /** Granted scopes; RFC 6749 §5.1: those asked for, when the server does not say. */
  scopes: z.array(z.string()),
  /** Asked for in the sign-in that made this grant. */
  askedScopes: z.array(z.string()),
  /** Milliseconds since the epoch; absent when the server does not say. */
  expiresAt: z.number().optional(),
  obtainedAt: z.number(),
  /** RFC 8707 resource, verbatim as in the protected resource metadata; absent in the 2025-03-26 fallback. */
  resource: z.string().optional(),
  server: ServerMetadata,
  registration: Registration,
  /** Why the server ended it; such a grant is kept only to say so. */
  lost: Failure.optional(),
  /** What earlier sign-ins left, the newest last. */
  superseded: z.array(Superseded).optional(),
})
export type Grant = z.infer<typeof Grant>

/** How many earlier sign-ins are remembered, so that people who sign in often do not fill the vault. */
const mostSuperseded = 8

/**
 * The grant of a new sign-in with what the one before it leaves alive. It is not ended at once: some servers end everything a person
 * allowed, the new tokens too, when one of the old ones is revoked.
 */
export function succeeding(fresh: Grant, earlier: Grant | undefined): Grant {
  if (!earlier) return fresh
  const { accessToken, refreshToken, server, registration } = earlier
  const left = { accessToken, ...(refreshToken === undefined ? {} : { refreshToken }), server, registration }
  return { ...fresh, superseded: [...(earlier.superseded ?? []), left].slice(-mostSuperseded) }
}
