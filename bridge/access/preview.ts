const mostCharacters = 4_000
const mostText = 200
const mostItems = 20
const deepest = 5
/** More than this, in bytes, is not looked into. */
const mostBytes = 256 * 1024

const secretName =
  /pass|secret|token|credential|authorization|cookie|session|private|api.?key|^key$|^auth$|^pin$|^otp$/i
/** A run of letters with digits that is longer than words are: keys, JWTs and encoded bytes, but no path and no UUID. */
const secretText = /(?=[A-Za-z_+=]*\d)(?=[\d_+=]*[A-Za-z])[A-Za-z0-9_+=]{24,}/g

/**
 * The arguments of a call for a person who decides about it: JSON, bounded in length and depth, without values that have the name or the look of
 * a secret. What is left out is said.
 */
export function previewOf(json: Buffer | undefined): string {
  if (!json) return '{}'
  if (json.length > mostBytes) return `(${json.length} bytes)`
  try {
    const shown = JSON.stringify(shorten(JSON.parse(json.toString()), 0)) ?? ''
    return shown.length > mostCharacters ? `${shown.slice(0, mostCharacters - 1)}…` : shown
  } catch {
    return `(${json.length} bytes)`
  }
}

function shorten(value: unknown, depth: number): unknown {
  if (typeof value === 'string') {
    const masked = value.slice(0, 4 * mostText).replace(secretText, '[hidden]')
    return masked.length > mostText || value.length > 4 * mostText
      ? `${masked.slice(0, mostText)}… (${value.length} characters)`
      : masked
  }
  if (typeof value !== 'object' || value === null) return value
  if (depth === deepest) return '…'
  if (Array.isArray(value)) {
    const items = value.slice(0, mostItems).map((item) => shorten(item, depth + 1))
    return value.length > mostItems ? [...items, `… ${value.length - mostItems} more`] : items
  }
  const entries = Object.entries(value)
  const shown = entries.slice(0, mostItems).map(([name, inner]) => {
    const isSecret = secretName.test(name) && inner !== null && typeof inner !== 'boolean'
    return [name.slice(0, mostText), isSecret ? '[hidden]' : shorten(inner, depth + 1)] as const
  })
  const rest = entries.length - shown.length
  return Object.fromEntries(rest > 0 ? [...shown, ['…', `${rest} more`] as const] : shown)
}
