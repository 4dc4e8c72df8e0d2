import { parseScopes } from './scopes.ts'

/** One challenge of a `WWW-Authenticate` field. Scheme and parameter names are lower-cased; of a repeated parameter the first counts. */
export interface Challenge {
  readonly scheme: string
  readonly token68?: string
  readonly params: ReadonlyMap<string, string>
}

/** What a Bearer challenge tells a client. Empty values count as absent. */
export interface BearerChallenge {
  readonly resourceMetadata?: string
  readonly scope?: readonly string[]
  readonly error?: string
  readonly errorDescription?: string
  readonly realm?: string
}

/**
 * Every challenge of a `WWW-Authenticate` field, in order. Never throws: what is not a challenge is skipped. Linear in the field's length.
 * @see [RFC 9110 §11.6.1](https://www.rfc-editor.org/rfc/rfc9110.html#section-11.6.1)
 */
export function parseChallenges(header: string | undefined): Challenge[] {
  const challenges: Challenge[] = []
  const input = new Scanner(header ?? '')
  let params: Map<string, string> | undefined
  while (!input.atEnd) {
    // Only what follows a comma can be a new scheme: a stray word of an unquoted scope must not end the challenge.
    const mayBeScheme = input.take(/[\s,]*/y).includes(',') || params === undefined
    const word = input.take(token)
    if (!word) {
      input.skipItem()
    } else if (params && input.take(/[ \t]*=[ \t]*/y)) {
      const name = word.toLowerCase()
      const value = input.value()
      if (!params.has(name)) params.set(name, value)
    } else if (mayBeScheme) {
      params = new Map()
      const token68 = input.take(token68OfChallenge).trim()
      challenges.push({ scheme: word.toLowerCase(), ...(token68 ? { token68 } : {}), params })
    }
  }
  return challenges
}

/**
 * What the Bearer challenges of a field say together, the first to name a parameter counting. A DPoP challenge names the same
 * parameters and is heard after them.
 * @see [RFC 6750 §3](https://www.rfc-editor.org/rfc/rfc6750.html#section-3), [RFC 9728 §5.1](https://www.rfc-editor.org/rfc/rfc9728.html#section-5.1)
 */
export function bearerChallenge(header: string | undefined): BearerChallenge | undefined {
  const all = parseChallenges(header)
  const heard = ['bearer', 'dpop'].flatMap((scheme) => all.filter((challenge) => challenge.scheme === scheme))
  if (heard.length === 0) return undefined
  const say = (name: string): string | undefined =>
    heard.map(({ params }) => params.get(name)).find((value) => value !== undefined && value !== '')
  const resourceMetadata = say('resource_metadata')
  const scope = parseScopes(say('scope'))
  const error = say('error')
  const errorDescription = say('error_description')
  const realm = say('realm')
  return {
    ...(resourceMetadata === undefined ? {} : { resourceMetadata }),
    ...(scope.length === 0 ? {} : { scope }),
    ...(error === undefined ? {} : { error }),
    ...(errorDescription === undefined ? {} : { errorDescription }),
    ...(realm === undefined ? {} : { realm }),
  }
}

/**
 * Whether an answer asks for more scopes than the token has: 403 with `insufficient_scope`.
 * @see [RFC 6750 §3.1](https://www.rfc-editor.org/rfc/rfc6750.html#section-3.1)
 */
export function asksStepUp(status: number, header: string | undefined): boolean {
  return status === 403 && bearerChallenge(header)?.error === 'insufficient_scope'
}

const token = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y
const token68OfChallenge = /[ \t]+[0-9A-Za-z._~+/-]+=*[ \t]*(?=,|$)/y

/** Walks a header once, left to right. Every pattern it is given is sticky. */
class Scanner {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  get atEnd(): boolean {
    return this.#at >= this.#text.length
  }

  /** What the pattern matches here, consumed; empty when it does not match. */
  take(pattern: RegExp): string {
    pattern.lastIndex = this.#at
    const taken = pattern.exec(this.#text)?.[0] ?? ''
    this.#at += taken.length
    return taken
  }

  /** A quoted string without its quotes and escapes, or anything up to a comma or space: servers forget quotes around URLs. */
  value(): string {
    if (this.#text[this.#at] !== '"') return this.take(/[^\s,]*/y)
    const characters: string[] = []
    for (this.#at += 1; !this.atEnd && this.#text[this.#at] !== '"'; this.#at += 1) {
      if (this.#text[this.#at] === '\\') this.#at += 1
      characters.push(this.#text[this.#at] ?? '')
    }
    this.#at += 1
    return characters.join('')
  }

  /** Passes over something that is no token: a quoted string as one, else one character. */
  skipItem(): void {
    if (this.#text[this.#at] === '"') this.value()
    else this.#at += 1
  }
}
