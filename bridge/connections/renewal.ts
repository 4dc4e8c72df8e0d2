/** When a token is renewed and how long a failed renewal waits. All times are milliseconds. */

/** Clocks differ and requests travel: a token this close to its end is treated as ended. */
const skewMs = 10_000
const marginMs = 60_000
const firstBackoffMs = 1_000
const longestBackoffMs = 5 * 60_000

/** How long before its end a token counts as ended: 10 s, less for tokens that live only briefly. */
function endMargin(lifetimeMs: number): number {
  return Math.min(skewMs, lifetimeMs * 0.1)
}

/** From when on a token must not be used any more. */
export function unusableAt(token: { obtainedAt: number; expiresAt: number }): number {
  return token.expiresAt - endMargin(token.expiresAt - token.obtainedAt)
}

/**
 * When a token is renewed ahead of its end: a minute before, earlier by up to a tenth of its life at random, so that connections signed in
 * together do not ask together. A short-lived token is renewed after two thirds of its life. `random` is in [0, 1).
 */
export function renewAt(token: { obtainedAt: number; expiresAt: number }, random: number): number {
  const lifetime = token.expiresAt - token.obtainedAt
  const jitter = random * Math.min(lifetime * 0.1, 5 * 60_000)
  return token.expiresAt - Math.min(marginMs, lifetime / 3) - jitter
}

/** The pause after the n-th failed renewal (n from 1): doubling from 1 s to 5 min, half of it at random. */
export function backoff(tries: number, random: number): number {
  const full = Math.min(firstBackoffMs * 2 ** (tries - 1), longestBackoffMs)
  return full / 2 + (full / 2) * random
}
