/** What a token endpoint answers (RFC 6749 §5.1). */
export interface TokenAnswer {
  readonly access_token: string
  readonly token_type: 'Bearer'
  readonly expires_in: number
  readonly scope: string
  readonly refresh_token?: string
}

/** How the strict authorization server behaves. All of it may be changed while it runs. */
export interface StrictBehaviour {
  /** Scopes it knows; others are `invalid_scope`. */
  scopes: readonly string[]
  accessTokenSeconds: number
  /** `rotating` ends the family when a used one comes again; `lasting` never changes. */
  refreshTokens: 'rotating' | 'lasting' | 'none'
  /** `no-ip-redirects` takes `localhost` and refuses 127.0.0.1; `refused` refuses everything; `absent` has no endpoint. */
  registration: 'open' | 'no-ip-redirects' | 'refused' | 'absent'
  /** The method of the clients it registers; all but `none` come with a secret. */
  clientAuth: 'none' | 'client_secret_basic' | 'client_secret_post'
  /** Whether a refused client gets a `WWW-Authenticate` only when it used one (RFC 6749 §5.2), or always. */
  clientChallenge: 'when-used' | 'always'
  /** `json` answers 415 to a form, as a few servers do. */
  tokenRequests: 'form' | 'json'
  /** Refuses authorization and token requests without `resource` (RFC 8707) as `invalid_target`. */
  requiresResource: boolean
  /** `optional` also takes requests without a code challenge; the metadata does not depend on it. */
  pkce: 'required' | 'optional'
  /** `lying` answers success and does nothing. */
  revocation: 'honest' | 'lying' | 'absent'
  /** `lying` calls every token it ever issued active; `unpublished` is served but not in the metadata. */
  introspection: 'honest' | 'lying' | 'unpublished'
  /** What the person allows. */
  decide: (scopes: readonly string[]) => readonly string[] | 'deny'
  /** The last word on what is sent, after everything was processed as it should be. */
  reshape: {
    tokens: (answer: TokenAnswer) => unknown
    /** The parameters of the authorization response: `code` or `error`, `state`, `iss`. */
    callback: (params: URLSearchParams) => URLSearchParams
    registration: (answer: Record<string, unknown>) => unknown
    metadata: (document: Record<string, unknown>) => unknown
  }
}

/** A server that does everything right. */
export function createBehaviour(): StrictBehaviour {
  return {
    scopes: ['read:issues', 'write:issues', 'offline_access'],
    accessTokenSeconds: 3600,
    refreshTokens: 'rotating',
    registration: 'open',
    clientAuth: 'none',
    clientChallenge: 'when-used',
    tokenRequests: 'form',
    requiresResource: true,
    pkce: 'required',
    revocation: 'honest',
    introspection: 'honest',
    decide: (scopes) => scopes,
    reshape: {
      tokens: (answer) => answer,
      callback: (params) => params,
      registration: (answer) => answer,
      metadata: (document) => document,
    },
  }
}

/** Returns the same object without some members, for `reshape`. */
export function without(...names: string[]): (answer: object) => Record<string, unknown> {
  return (answer) => Object.fromEntries(Object.entries(answer).filter(([name]) => !names.includes(name)))
}

/** Returns the same object with some members replaced, for `reshape`. */
export function replacing(members: Record<string, unknown>): (answer: object) => Record<string, unknown> {
  return (answer) => ({ ...answer, ...members })
}

/** Separates scopes by commas, as one large server does. */
export function withCommas(answer: TokenAnswer): TokenAnswer {
  return { ...answer, scope: answer.scope.replaceAll(' ', ',') }
}

/** Changes parameters of the authorization response, for `reshape.callback`; undefined removes one. */
export function answering(
  changes: Record<string, string | undefined>,
): (params: URLSearchParams) => URLSearchParams {
  return (params) => {
    const changed = new URLSearchParams(params)
    for (const [name, value] of Object.entries(changes)) {
      if (value === undefined) changed.delete(name)
      else changed.set(name, value)
    }
    return changed
  }
}
