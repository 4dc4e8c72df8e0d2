import type { Receipt, ReceiptPart } from '../../shared/connection.ts'
import { errors } from '../../shared/errors.ts'
import type { Notice } from './rules.ts'

const words: Record<ReceiptPart, string> = {
  confirmed: 'the server confirmed it',
  failed: 'the server did not confirm it; it may live until it expires',
  'not-offered': 'the server offers no revocation; it lives until it expires',
  'not-held': 'there was none',
}

/** What a revocation achieved, without a word more than the server confirmed. */
export function receiptNotice(receipt: Receipt): Notice {
  const { connection, refreshToken, accessToken, failures } = receipt
  const isNothing = refreshToken === 'not-held' && accessToken === 'not-held'
  const parts = [refreshToken, accessToken].filter((part) => part !== 'not-held')
  const isEnded = parts.every((part) => part === 'confirmed')
  const causes = [...new Set(failures.map(({ code }) => errors[code].cause))]
  const lines = [
    `Refresh token: ${words[refreshToken]}.`,
    `Access token: ${words[accessToken]}.`,
    'Removed from this machine.',
    ...causes.map((cause) => `${cause}.`),
  ]
  return {
    key: `receipt:${connection}`,
    title: isNothing
      ? `${connection}: there was nothing to revoke`
      : isEnded
        ? `${connection}: access ended`
        : `${connection}: removed here, not ended at the server`,
    body: isNothing ? 'No token was held.' : lines.join('\n'),
    opens: `/servers/${connection}`,
  }
}
