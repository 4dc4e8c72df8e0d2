import { randomBytes } from 'node:crypto'

export interface StrictClient {
  readonly id: string
  readonly secret?: string
  readonly authMethod: 'none' | 'client_secret_basic' | 'client_secret_post'
  readonly redirectUris: readonly string[]
}

/** One consent with all tokens that come from it. It ends as a whole. */
export interface Family {
  readonly clientId: string
  readonly scopes: readonly string[]
  readonly resource: string | undefined
  ended?: 'revoked' | 'refresh token reused' | 'code reused'
}

interface StrictCode {
  readonly clientId: string
  readonly redirectUri: string
  readonly challenge: string | undefined
  readonly family: Family
  readonly expiresAt: number
  used: boolean
}

export interface StrictAccessToken {
  readonly family: Family
  readonly scopes: readonly string[]
  /** Milliseconds since the epoch. */
  expiresAt: number
  revoked: boolean
}

interface StrictRefreshToken {
  readonly family: Family
  used: boolean
}

interface StrictCounters {
  registrations: number
  authorizations: number
  /** Requests at the token endpoint by `grant_type`, whatever came of them. */
  tokenRequests: Record<string, number>
  refreshes: number
  reuseDetections: number
  /** Revocation requests that were answered with success, truly or not. */
  revocations: number
}

/** All that the strict authorization server knows. Give it to a second one, and that goes on where the first ended. */
export interface StrictState {
  readonly clients: Map<string, StrictClient>
  readonly codes: Map<string, StrictCode>
  readonly accessTokens: Map<string, StrictAccessToken>
  readonly refreshTokens: Map<string, StrictRefreshToken>
  readonly counters: StrictCounters
}

export function createStrictState(): StrictState {
  return {
    clients: new Map(),
    codes: new Map(),
    accessTokens: new Map(),
    refreshTokens: new Map(),
    counters: {
      registrations: 0,
      authorizations: 0,
      tokenRequests: {},
      refreshes: 0,
      reuseDetections: 0,
      revocations: 0,
    },
  }
}

/** A random value whose prefix says what it is. */
export function randomValue(prefix: string): string {
  return `${prefix}_${randomBytes(24).toString('base64url')}`
}

/** A client secret whose characters show whether a client form-encodes it before Base64 (RFC 6749 §2.3.1). */
export function randomSecret(): string {
  return `${randomValue('cs')}:+/% &=`
}

/** Whether an access token is good now. */
export function isActive(token: StrictAccessToken | undefined): token is StrictAccessToken {
  return (
    token !== undefined && !token.revoked && token.family.ended === undefined && token.expiresAt > Date.now()
  )
}

/** Every secret that was ever made, delivered or not: codes, tokens, client secrets. */
export function secretsOf(state: StrictState): string[] {
  const secrets = [...state.clients.values()].flatMap(({ secret }) => secret ?? [])
  return [...secrets, ...state.codes.keys(), ...state.accessTokens.keys(), ...state.refreshTokens.keys()]
}
