import type { StrictBehaviour } from './behaviour.ts'

/** Paths of the endpoints below the issuer. At the root they are also the defaults of the 2025-03-26 fallback. */
export const strictPaths = {
  authorization: '/authorize',
  token: '/token',
  registration: '/register',
  revocation: '/revoke',
  introspection: '/introspect',
  userinfo: '/userinfo',
} as const

/** Where metadata may be published. The first inserts before the issuer's path, the last appends to it. */
export type MetadataPlace = 'oauth-inserted' | 'openid-inserted' | 'openid-appended'

/**
 * The well-known paths of an issuer's path, which is `` or `/tenant`.
 * @see [RFC 8414 §3.1](https://www.rfc-editor.org/rfc/rfc8414.html#section-3.1)
 */
export function metadataPaths(issuerPath: string): Record<MetadataPlace, string> {
  return {
    'oauth-inserted': `/.well-known/oauth-authorization-server${issuerPath}`,
    'openid-inserted': `/.well-known/openid-configuration${issuerPath}`,
    'openid-appended': `${issuerPath}/.well-known/openid-configuration`,
  }
}

/** The metadata of a server that behaves like this; `reshape.metadata` has the last word. */
export function metadataOf(issuer: string, behaviour: StrictBehaviour): unknown {
  const authMethods =
    behaviour.clientAuth === 'none' ? ['none'] : ['none', 'client_secret_basic', 'client_secret_post']
  return behaviour.reshape.metadata({
    issuer,
    authorization_endpoint: `${issuer}${strictPaths.authorization}`,
    token_endpoint: `${issuer}${strictPaths.token}`,
    userinfo_endpoint: `${issuer}${strictPaths.userinfo}`,
    ...(behaviour.registration === 'absent'
      ? {}
      : { registration_endpoint: `${issuer}${strictPaths.registration}` }),
    ...(behaviour.revocation === 'absent'
      ? {}
      : { revocation_endpoint: `${issuer}${strictPaths.revocation}` }),
    ...(behaviour.introspection === 'unpublished'
      ? {}
      : { introspection_endpoint: `${issuer}${strictPaths.introspection}` }),
    response_types_supported: ['code'],
    grant_types_supported:
      behaviour.refreshTokens === 'none' ? ['authorization_code'] : ['authorization_code', 'refresh_token'],
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: authMethods,
    scopes_supported: behaviour.scopes,
    authorization_response_iss_parameter_supported: true,
  })
}
