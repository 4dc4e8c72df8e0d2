import { z } from 'zod'
import { Failure } from './errors.ts'

/** A slug such as `linear` or `linear-work`: it is part of local URLs and tool names. */
export const ConnectionId = z
  .string()
  .max(40)
  .regex(/^[a-z0-9]+(?:-[a-z0-9]+)*$/)
  .brand('ConnectionId')
export type ConnectionId = z.infer<typeof ConnectionId>

/** A scope token (RFC 6749 §3.3). */
export const Scope = z
  .string()
  .min(1)
  .max(500)
  .regex(/^[\x21\x23-\x5B\x5D-\x7E]+$/)

/** How a connection proves itself to its server. */
const AuthKind = z.enum(['oauth', 'bearer', 'headers', 'none'])

/** How Bridgekeeper became a client of the authorization server. */
export const RegistrationKind = z.enum(['pre-registered', 'metadata-document', 'dynamic'])
export type RegistrationKind = z.infer<typeof RegistrationKind>

/** The one word a face shows for a connection. */
export const ConnectionStatus = z.enum([
  'signed-out',
  'signing-in',
  'connected',
  'retrying',
  'sign-in-again',
  'failed',
])
export type ConnectionStatus = z.infer<typeof ConnectionStatus>

/** Who asked for more scopes, in the call that was held. */
export const StepUp = z.strictObject({
  scopes: z.array(Scope),
  by: z.strictObject({ client: z.string(), method: z.string().optional(), name: z.string().optional() }),
  since: z.number().describe('milliseconds since the epoch'),
})
export type StepUp = z.infer<typeof StepUp>

/** How many of each a server listed, and when the oldest of these lists was last seen, in milliseconds since the epoch. */
export const ListCounts = z.strictObject({
  asOf: z.number(),
  tools: z.int().optional(),
  prompts: z.int().optional(),
  resources: z.int().optional(),
  resourceTemplates: z.int().optional(),
})
export type ListCounts = z.infer<typeof ListCounts>

/** A connection as every face sees it. There is no secret in it. Times are milliseconds since the epoch. */
export const Connection = z.strictObject({
  id: ConnectionId,
  url: z.string(),
  auth: AuthKind,
  status: ConnectionStatus,
  failure: Failure.optional(),
  account: z.string().optional(),
  issuer: z.string().optional(),
  registration: RegistrationKind.optional(),
  scopes: z.strictObject({ asked: z.array(z.string()), granted: z.array(z.string()) }),
  expiresAt: z.number().optional(),
  renews: z.boolean().describe('a refresh token is held, so the access renews by itself'),
  nextTryAt: z.number().optional(),
  stepUp: StepUp.optional(),
  createdAt: z.number(),
  lists: ListCounts.optional().describe('as far as they are known; events are without it'),
})
export type Connection = z.infer<typeof Connection>

/** What a look at a server found, before anybody signs in. */
export const Look = z.strictObject({
  /** `none`: it serves without a sign-in; `oauth`: it asks for one. */
  asks: z.enum(['none', 'oauth']),
  resource: z.string().optional(),
  issuers: z.array(z.string()),
  issuer: z.string().optional(),
  registration: z.enum(['pre-registered', 'metadata-document', 'dynamic', 'ask']).optional(),
  scopes: z.array(z.string()),
  redirectUri: z.string(),
  pkce: z.boolean().optional().describe('false: a sign-in is refused, since the server does not say S256'),
  failure: Failure.optional(),
})
export type Look = z.infer<typeof Look>

/** One thing a sign-in did: what was asked, what came back. Secrets are redacted before they get here. */
export const TraceStep = z.strictObject({
  at: z.number(),
  step: z.string().describe('a short sentence in the past tense'),
  request: z.strictObject({ method: z.string(), url: z.string(), body: z.string().optional() }).optional(),
  response: z.strictObject({ status: z.number(), body: z.string().optional() }).optional(),
  note: z.string().optional(),
  durationMs: z.number().optional(),
})
export type TraceStep = z.infer<typeof TraceStep>

/** The last sign-in of a connection, step by step. */
export const Trace = z.strictObject({
  connection: ConnectionId,
  startedAt: z.number(),
  endedAt: z.number().optional(),
  outcome: z.enum(['pending', 'connected', 'failed']),
  failure: Failure.optional(),
  steps: z.array(TraceStep),
})
export type Trace = z.infer<typeof Trace>

/** What became of one token at the server. */
export const ReceiptPart = z.enum(['confirmed', 'failed', 'not-offered', 'not-held'])
export type ReceiptPart = z.infer<typeof ReceiptPart>

/** What a revocation truly achieved. `confirmed` means the server answered the revocation request with success. */
export const Receipt = z.strictObject({
  connection: ConnectionId,
  at: z.number(),
  refreshToken: ReceiptPart,
  accessToken: ReceiptPart,
  local: z.literal('removed'),
  failures: z.array(Failure),
})
export type Receipt = z.infer<typeof Receipt>
