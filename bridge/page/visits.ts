import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../ports.ts'

/** What lets a browser in: a cookie that scripts cannot read, and a secret that only the page of this origin knows. */
interface Admission {
  readonly cookie: string
  readonly secret: string
}

/** Who may use the control API from a browser. Nothing of it outlives the bridge. */
export interface Visits {
  /** A word that lets one browser in, once, within a minute. */
  invite(): string
  /** Lets a browser in; undefined for a word that is unknown, used or too old. */
  enter(word: string): Admission | undefined
  /** Whether a request comes from a browser that was let in. */
  admits(cookie: string | undefined, secret: string | undefined): boolean
}

/** How long a word waits, and a browser may stay without a request, in milliseconds. */
const invitationMs = 60_000
const visitMs = 12 * 60 * 60_000
/** How many of each there may be; the oldest goes. */
const most = 20

interface Visit {
  readonly cookie: Buffer
  readonly secret: Buffer
  lastUsedAt: number
}

/**
 * Cookies know no ports: a page of another program on this machine can be sent ours. So a cookie alone lets nobody in; the secret beside it is
 * kept by the page, in storage that the browser separates by port.
 * @see [RFC 6265 §8.5](https://www.rfc-editor.org/rfc/rfc6265.html#section-8.5)
 */
export function createVisits(clock: Clock): Visits {
  let invitations: { readonly digest: Buffer; readonly at: number }[] = []
  let visits: Visit[] = []

  return {
    invite() {
      const word = newWord()
      invitations = [...invitations.slice(1 - most), { digest: digestOf(word), at: clock.now() }]
      return word
    },
    enter(word) {
      const digest = digestOf(word)
      const invitation = invitations.find((one) => timingSafeEqual(one.digest, digest))
      if (!invitation) return undefined
      invitations = invitations.filter((one) => one !== invitation)
      if (!isWithin(clock.now() - invitation.at, invitationMs)) return undefined
      const admission = { cookie: newWord(), secret: newWord() }
      const visit = {
        cookie: digestOf(admission.cookie),
        secret: digestOf(admission.secret),
        lastUsedAt: clock.now(),
      }
      visits = [...visits.slice(1 - most), visit]
      return admission
    },
    admits(cookie, secret) {
      if (cookie === undefined || secret === undefined) return false
      const now = clock.now()
      visits = visits.filter(({ lastUsedAt }) => isWithin(now - lastUsedAt, visitMs))
      const given = [digestOf(cookie), digestOf(secret)] as const
      const visit = visits.find(
        (one) => timingSafeEqual(one.cookie, given[0]) && timingSafeEqual(one.secret, given[1]),
      )
      if (visit) visit.lastUsedAt = now
      return visit !== undefined
    },
  }
}

/** A clock that was set back makes nothing younger. */
function isWithin(age: number, limit: number): boolean {
  return age >= 0 && age < limit
}

function newWord(): string {
  return randomBytes(32).toString('base64url')
}

function digestOf(word: string): Buffer {
  return hash('sha256', word, 'buffer')
}
