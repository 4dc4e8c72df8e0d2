/**
 * JSON read where it lies: nothing is built, so that what is passed on stays byte for byte what it was. A message of ten megabytes costs one
 * walk over its bytes.
 * @see [RFC 8259](https://www.rfc-editor.org/rfc/rfc8259.html)
 */

const quote = 0x22
const backslash = 0x5c
const openBrace = 0x7b
const closeBrace = 0x7d
const openBracket = 0x5b
const closeBracket = 0x5d
const comma = 0x2c

/** Deeper nesting counts as invalid: no message has it, and whoever reads it with a recursive parser would fail. */
const deepest = 512

/** Where the white space that begins at `at` ends. */
export function skipSpace(bytes: Uint8Array, at: number): number {
  while (at < bytes.length) {
    const byte = bytes[at]
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) break
    at++
  }
  return at
}

/** Where the value that begins at `at` ends, after white space before it; -1 when there is no valid value. */
export function valueEnd(bytes: Uint8Array, at: number): number {
  // One element for each open container: whether it is an object.
  const open: boolean[] = []
  for (;;) {
    at = skipSpace(bytes, at)
    const first = bytes[at]
    if (first === quote) at = stringEnd(bytes, at)
    else if (first === openBrace || first === openBracket) {
      const isObject = first === openBrace
      at = skipSpace(bytes, at + 1)
      if (bytes[at] === (isObject ? closeBrace : closeBracket)) at++
      else {
        if (open.length === deepest) return -1
        open.push(isObject)
        if (isObject) at = memberStart(bytes, at)
        if (at < 0) return -1
        continue
      }
    } else at = scalarEnd(bytes, at)
    if (at < 0) return -1

    // After a value: the ends of its containers, or a comma and the next one.
    for (;;) {
      if (open.length === 0) return at
      const isObject = open[open.length - 1] as boolean
      at = skipSpace(bytes, at)
      const byte = bytes[at]
      if (byte === comma) {
        at = isObject ? memberStart(bytes, skipSpace(bytes, at + 1)) : at + 1
        if (at < 0) return -1
        break
      }
      if (byte !== (isObject ? closeBrace : closeBracket)) return -1
      open.pop()
      at++
    }
  }
}

/** Whether the bytes are one JSON value. */
export function isJson(bytes: Uint8Array): boolean {
  const end = valueEnd(bytes, 0)
  return end >= 0 && skipSpace(bytes, end) === bytes.length
}

/** Where the value of the member begins whose name is at `at`; -1 when there is none. */
function memberStart(bytes: Uint8Array, at: number): number {
  if (bytes[at] !== quote) return -1
  const end = stringEnd(bytes, at)
  if (end < 0) return -1
  at = skipSpace(bytes, end)
  return bytes[at] === 0x3a ? at + 1 : -1
}

/** Where the string ends whose opening quote is at `at`; -1 when it is not valid. */
function stringEnd(bytes: Uint8Array, at: number): number {
  const { length } = bytes
  for (at++; at < length; at++) {
    const byte = bytes[at] as number
    if (byte === quote) return at + 1
    if (byte < 0x20) return -1
    if (byte !== backslash) continue
    at++
    if (at >= length) return -1
    switch (bytes[at]) {
      case 0x75:
        for (let i = 0; i < 4; i++) if (!isHexDigit(bytes[++at])) return -1
        break
      case quote:
      case backslash:
      case 0x2f:
      case 0x62:
      case 0x66:
      case 0x6e:
      case 0x72:
      case 0x74:
        break
      default:
        return -1
    }
  }
  return -1
}

function scalarEnd(bytes: Uint8Array, at: number): number {
  switch (bytes[at]) {
    case 0x74:
      return wordEnd(bytes, at, 'true')
    case 0x66:
      return wordEnd(bytes, at, 'false')
    case 0x6e:
      return wordEnd(bytes, at, 'null')
    default:
      return numberEnd(bytes, at)
  }
}

function wordEnd(bytes: Uint8Array, at: number, word: string): number {
  for (let i = 0; i < word.length; i++) if (bytes[at++] !== word.charCodeAt(i)) return -1
  return at
}

function numberEnd(bytes: Uint8Array, at: number): number {
  if (bytes[at] === 0x2d) at++
  if (bytes[at] === 0x30) at++
  else {
    at = digitsEnd(bytes, at)
    if (at < 0) return -1
  }
  if (bytes[at] === 0x2e) {
    at = digitsEnd(bytes, at + 1)
    if (at < 0) return -1
  }
  if (bytes[at] === 0x65 || bytes[at] === 0x45) {
    at++
    if (bytes[at] === 0x2b || bytes[at] === 0x2d) at++
    at = digitsEnd(bytes, at)
  }
  return at
}

/** Where the digits end, of which there must be one; -1 otherwise. */
function digitsEnd(bytes: Uint8Array, at: number): number {
  const start = at
  while (isDigit(bytes[at])) at++
  return at > start ? at : -1
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x30 && byte <= 0x39
}

function isHexDigit(byte: number | undefined): boolean {
  return isDigit(byte) || (byte !== undefined && (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66)
}

/** Where a value lies: from its first byte to the one after its last. */
export interface Place {
  readonly start: number
  readonly end: number
}

/** What a walk over an object found. */
export interface Members {
  /** For each name in the order asked: the place of the value, of the last one where a name occurs more often. */
  readonly places: readonly (Place | undefined)[]
  /** Whether one of the names occurs more than once. Readers differ in which one they take. */
  readonly isAmbiguous: boolean
  /** Where the object ends. */
  readonly end: number
}

/** Finds members of the object whose brace is at `at` by their names; undefined where it is not a valid object. */
export function findMembers(bytes: Buffer, at: number, names: readonly string[]): Members | undefined {
  if (bytes[at] !== openBrace) return undefined
  const places = names.map((): Place | undefined => undefined)
  let isAmbiguous = false
  at = skipSpace(bytes, at + 1)
  if (bytes[at] === closeBrace) return { places, isAmbiguous, end: at + 1 }
  for (;;) {
    const nameStart = at
    at = memberStart(bytes, at)
    if (at < 0) return undefined
    const start = skipSpace(bytes, at)
    const end = valueEnd(bytes, start)
    if (end < 0) return undefined
    const index = indexOfName(bytes, nameStart, names)
    if (index >= 0) {
      isAmbiguous ||= places[index] !== undefined
      places[index] = { start, end }
    }
    at = skipSpace(bytes, end)
    if (bytes[at] === closeBrace) return { places, isAmbiguous, end: at + 1 }
    if (bytes[at] !== comma) return undefined
    at = skipSpace(bytes, at + 1)
  }
}

/** The names of the members of the valid object whose brace is at `at`, with escapes resolved. */
export function memberNames(bytes: Buffer, at: number): string[] {
  const names: string[] = []
  if (bytes[at] !== openBrace) return names
  for (at = skipSpace(bytes, at + 1); bytes[at] === quote; at = skipSpace(bytes, at + 1)) {
    names.push(textAt(bytes, at, stringEnd(bytes, at)))
    at = skipSpace(bytes, valueEnd(bytes, memberStart(bytes, at)))
    if (bytes[at] !== comma) break
  }
  return names
}

/** A member by the name that it was found with. */
export interface FoundMember {
  /** Which of the names it is. */
  readonly index: number
  /** Where its value begins. */
  readonly start: number
}

/**
 * Finds the first member with one of the names in the object whose brace is at `at`, and looks at nothing behind it, so that the object may be cut
 * off there. Undefined where there is none.
 */
export function firstMember(bytes: Buffer, at: number, names: readonly string[]): FoundMember | undefined {
  if (bytes[at] !== openBrace) return undefined
  at = skipSpace(bytes, at + 1)
  for (;;) {
    const nameStart = at
    at = memberStart(bytes, at)
    if (at < 0) return undefined
    const start = skipSpace(bytes, at)
    const index = indexOfName(bytes, nameStart, names)
    if (index >= 0) return { index, start }
    at = skipSpace(bytes, valueEnd(bytes, start))
    if (bytes[at] !== comma) return undefined
    at = skipSpace(bytes, at + 1)
  }
}

/** The elements of the array whose bracket is at `at`; undefined where it is not a valid array. */
export function elementsOf(bytes: Buffer, at: number): Place[] | undefined {
  const end = valueEnd(bytes, at)
  if (bytes[at] !== openBracket || end < 0) return undefined
  const elements: Place[] = []
  for (let next = skipSpace(bytes, at + 1); bytes[next] !== closeBracket;) {
    const element = { start: next, end: valueEnd(bytes, next) }
    elements.push(element)
    next = skipSpace(bytes, element.end)
    if (bytes[next] === comma) next = skipSpace(bytes, next + 1)
  }
  return elements
}

/** Which of the names is the one at `at`, a valid string; -1 for none. */
function indexOfName(bytes: Buffer, at: number, names: readonly string[]): number {
  const first = bytes[at + 1]
  for (let index = 0; index < names.length; index++) {
    const name = names[index] as string
    if (first === name.charCodeAt(0) && isName(bytes, at + 1, name)) return index
  }
  // The same name may be written with escapes, and most readers take it for the same.
  return hasEscape(bytes, at + 1) ? names.indexOf(textAt(bytes, at, stringEnd(bytes, at))) : -1
}

function isName(bytes: Buffer, at: number, name: string): boolean {
  for (let i = 0; i < name.length; i++) if (bytes[at + i] !== name.charCodeAt(i)) return false
  return bytes[at + name.length] === quote
}

function hasEscape(bytes: Buffer, at: number): boolean {
  for (; bytes[at] !== quote; at++) if (bytes[at] === backslash) return true
  return false
}

/** The text of the valid string from `start`, its opening quote, to `end`. */
export function textAt(bytes: Buffer, start: number, end: number): string {
  const isPlain = isPlainText(bytes, start + 1, end - 1)
  return isPlain
    ? bytes.toString('latin1', start + 1, end - 1)
    : (JSON.parse(bytes.toString('utf8', start, end)) as string)
}

function isPlainText(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number
    if (byte === backslash || byte >= 0x80) return false
  }
  return true
}

/** The same bytes in one line. JSON has line breaks between its tokens only, where a space means the same. Changes the bytes in place. */
export function intoOneLine(bytes: Buffer): Buffer {
  for (const lineBreak of [0x0a, 0x0d]) {
    for (let at = bytes.indexOf(lineBreak); at >= 0; at = bytes.indexOf(lineBreak, at + 1)) bytes[at] = 0x20
  }
  return bytes
}
