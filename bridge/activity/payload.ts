import { redactUrl } from '../oauth/redact.ts'
import { namesSecret, redacted, scrubText } from '../scrub.ts'

/** The most that is kept of one message, in characters. */
const longestKept = 4_000
/** What is larger, in bytes, is not looked at: redacting it would hold up other calls. */
const mostBytes = 256 * 1024
/** The most that is looked at of one text in it, in characters. */
const longestText = 16_000
const mostDepth = 12
const mostItems = 200

/**
 * What may be kept of a message: JSON in which whatever a name or its own look shows to be a secret is replaced, cut to 4,000
 * characters. Of an event stream the messages in it; of anything else only its size, since nothing is known of its shape.
 */
export function redactPayload(bytes: Buffer): string {
  if (bytes.length > mostBytes) return `[${bytes.length} bytes, too large to be kept]`
  const text = bytes.toString()
  const messages = parse(text) ?? eventsOf(text)
  if (messages.length === 0) return `[${bytes.length} bytes that are not JSON]`
  return cut(messages.map((message) => JSON.stringify(redactValue(message, '', 0))).join('\n'), longestKept)
}

function parse(text: string): [unknown] | undefined {
  try {
    return [JSON.parse(text)]
  } catch {
    return undefined
  }
}

function eventsOf(text: string): unknown[] {
  return text
    .split(/\r\n|\n|\r/)
    .filter((line) => line.startsWith('data:'))
    .flatMap((line) => parse(line.slice('data:'.length)) ?? [])
}

function redactValue(value: unknown, name: string, depth: number): unknown {
  if (value === null || typeof value === 'boolean') return value
  if (isSecretName(name) && !(name === 'code' && typeof value === 'number')) return redacted
  if (typeof value === 'number') return value
  if (typeof value === 'string') return redactText(value, depth)
  if (depth >= mostDepth) return redacted
  if (Array.isArray(value)) {
    const items = value.slice(0, mostItems).map((item) => redactValue(item, '', depth + 1))
    return value.length > mostItems ? [...items, `${value.length - mostItems} more`] : items
  }
  const members = Object.entries(value as object)
  // Such as `{"name": "Authorization", "value": "…"}`, as headers and variables are often listed.
  const isPairOfSecret = members.some(
    ([key, own]) => /^(?:name|key|header|id)$/i.test(key) && typeof own === 'string' && isSecretName(own),
  )
  const kept = members.slice(0, mostItems).map(([key, own]) => {
    const isHidden = isPairOfSecret && /^(?:value|values|content|data|default)$/i.test(key)
    return [redactText(key, mostDepth), isHidden ? redacted : redactValue(own, key, depth + 1)]
  })
  return Object.fromEntries(kept)
}

/** Beside what names a secret in a log: arguments of tools have names of all kinds. */
const alsoSecret =
  /pwd|passcode|session|signature|private.?key|access.?key|^auth$|x-.*-key|^otp$|^pin$|^code$|^jwt$|^cvv$|nonce/i

function isSecretName(name: string): boolean {
  return namesSecret(name) || alsoSecret.test(name)
}

function redactText(text: string, depth: number): string {
  // Servers put JSON into text, where names tell as much as outside of it.
  if (depth < mostDepth && /^\s*[[{]/.test(text)) {
    const inner = parse(text)
    if (inner) return JSON.stringify(redactValue(inner[0], '', depth + 1))
  }
  return redactProse(text.length > longestText ? wholeWords(text.slice(0, longestText)) : text)
}

/** Half a token may be too short to be known as one. */
function wholeWords(text: string): string {
  const end = text.slice(-2000).search(/\s\S*$/)
  return `${text.slice(0, text.length - 2000 + Math.max(end, 0))}…`
}

function redactProse(text: string): string {
  const withoutUrls = text
    .replace(/-----BEGIN [^-]{1,60}-----[^]*?(?:-----END [^-]{1,60}-----|$)/g, redacted)
    .replace(/\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s"'<>`\\]+/gi, (url) => redactUrl(url))
  return scrubText(withoutUrls)
    .replace(assigned, `$1${redacted}`)
    .replace(/\beyJ[\w-]{6,}(?:\.[\w-]*){0,4}/g, redacted)
    .replace(/[\w+/=.~-]{20,}/g, (word) => (looksRandom(word) ? redacted : word))
}

/** `password: x`, `token = x`, `"secret": "x"`: all to the end of the line, since secrets may have spaces in them. */
const assigned =
  /((?:token|secret|authorization|passw|passphrase|passcode|pwd|bearer|cookie|credential|api[ _-]?key|private[ _-]?key|access[ _-]?key|session)[\w-]{0,40}["']?\s{0,4}(?:[:=]|\bis\b)\s{0,4})[^\r\n]+/gi

/** Long words of letters and digits mixed are keys more often than not; those of short parts are paths. */
function looksRandom(word: string): boolean {
  return /\d/.test(word) && /[A-Za-z]/.test(word) && /[^/]{16}/.test(word)
}

function cut(text: string, longest: number): string {
  return text.length > longest ? `${text.slice(0, longest)}…` : text
}
