import { z } from 'zod'
import { words } from './tokens.ts'

const Claims = z.object({
  email: z.string().optional(),
  preferred_username: z.string().optional(),
  name: z.string().optional(),
  sub: z.string().optional(),
})

/**
 * A label for the account that an ID token names, or undefined. The token came straight from the token endpoint over a checked
 * connection (OpenID Connect Core §3.1.3.7 item 6), and a label decides nothing, so its signature is not verified.
 */
export function accountOf(idToken: string | undefined): string | undefined {
  const payload = idToken?.split('.')[1]
  if (payload === undefined) return undefined
  try {
    const claims = Claims.parse(JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')))
    return words(claims.email ?? claims.preferred_username ?? claims.name ?? claims.sub, 100)
  } catch {
    return undefined
  }
}
