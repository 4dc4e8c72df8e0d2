import type { Connection, Receipt, ReceiptPart, StepUp } from '../../shared/connection.ts'
import { errors, type Failure } from '../../shared/errors.ts'
import { joinText, text, type Paint, type Text } from './text.ts'
import { relativeTime } from './time.ts'

/** What went wrong and, on a line of its own, what to do about it. */
export function failureLines(failure: Failure): [Text, Text] {
  const { cause, remedy } = errors[failure.code]
  const detail = failure.detail ? text` (${failure.detail})` : text``
  return [text`${cause}${detail}.`, text`${remedy} [${failure.code}]`]
}

/** What every face says when the key of the vault lies in a file. */
export const keyFileWarning = text`No OS keychain is used: whoever can read your files can read the tokens.`

/** The state of a connection in one word, in the colour of its urgency. */
export function statusWord({ status, stepUp }: Connection, paint: Paint): Text {
  const word = text`${status}`
  switch (status) {
    case 'connected':
      return stepUp ? paint('yellow', text`asks for more`) : paint('green', word)
    case 'failed':
      return paint('red', word)
    case 'signing-in':
    case 'sign-in-again':
      return paint('yellow', word)
    case 'retrying':
    case 'signed-out':
      return paint('dim', word)
    default:
      return status satisfies never
  }
}

/** How long the access lasts, as far as the server said. */
export function accessPhrase({ auth, status, expiresAt, renews }: Connection, now: number): Text {
  if (auth === 'none') return text`open to everyone`
  if (auth !== 'oauth') return status === 'signed-out' ? text`none` : text`by a key of your own`
  if (status !== 'connected' && status !== 'retrying') return text`none`
  if (expiresAt === undefined) return renews ? text`renews by itself` : text`no end known`
  const when = relativeTime(expiresAt, now)
  if (renews) return text`renews by itself, next ${when}`
  return expiresAt > now ? text`ends ${when}` : text`ended ${when}`
}

/** The command that helps a connection on, where there is one. */
export function nextCommand({ id, status, auth, stepUp }: Connection): string | undefined {
  const waitsForSignIn = status === 'signed-out' || status === 'sign-in-again' || status === 'signing-in'
  return stepUp || (waitsForSignIn && auth === 'oauth') ? `bridgekeeper connect ${id}` : undefined
}

/** Which scopes a held call needs, for whom and since when. */
export function stepUpPhrase({ scopes, by, since }: StepUp, now: number): Text {
  const call = [by.method, by.name].filter(Boolean).join(' ')
  return text`${scopes.join(' ')}${call ? ` for ${call}` : ''} by ${by.client}, ${relativeTime(since, now)}`
}

/** What a revocation achieved, without a word more than the server confirmed. */
export function receiptLines(receipt: Receipt): Text[] {
  const { connection, refreshToken, accessToken, failures } = receipt
  if (refreshToken === 'not-held' && accessToken === 'not-held') {
    return [text`${connection}: there was nothing to revoke.`]
  }
  return [
    text`${connection}: the tokens are removed from this machine.`,
    text`  refresh token  ${receiptWords[refreshToken]}`,
    text`  access token   ${receiptWords[accessToken]}`,
    ...failures.flatMap((failure) => failureLines(failure).map((line) => joinText([text`  `, line], ''))),
  ]
}

const receiptWords: Record<ReceiptPart, string> = {
  confirmed: 'revoked; the server confirmed it',
  failed: 'not confirmed by the server; it may live until it expires',
  'not-offered': 'the server offers no revocation; it lives until it expires',
  'not-held': 'there was none',
}
