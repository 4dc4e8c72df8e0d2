const SPACE = /[ \t\n\r]*/y
const STRING = /"(?:[ !#-[\]-\u{10FFFF}]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/uy
const OTHER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y

/** Deeper nesting counts as a mistake, so that a hostile text cannot exhaust the stack. */
const DEEPEST = 100

/**
 * Where a text stops being JSON, as an offset; undefined when it does not. JavaScript's own parser says that in words only,
 * and not always.
 * @see [RFC 8259](https://www.rfc-editor.org/rfc/rfc8259.html)
 */
export function jsonMistake(text: string): number | undefined {
  let at = 0
  let depth = 0
  const take = (pattern: RegExp): boolean => {
    pattern.lastIndex = at
    const found = pattern.exec(text)
    if (found) at += found[0].length
    return found !== null
  }
  const takeMark = (mark: string): boolean => {
    take(SPACE)
    if (text[at] !== mark) return false
    at += 1
    return true
  }
  const takeList = (end: string, takeItem: () => boolean): boolean => {
    if (takeMark(end)) return true
    depth += 1
    do {
      if (depth > DEEPEST || !takeItem()) return false
    } while (takeMark(','))
    depth -= 1
    return takeMark(end)
  }
  const takeMember = (): boolean => {
    take(SPACE)
    return take(STRING) && takeMark(':') && takeValue()
  }
  const takeValue = (): boolean => {
    take(SPACE)
    if (takeMark('{')) return takeList('}', takeMember)
    if (takeMark('[')) return takeList(']', takeValue)
    return take(STRING) || take(OTHER)
  }
  const isWhole = takeValue() && (take(SPACE), at === text.length)
  return isWhole ? undefined : at
}
