/** What cannot be seen and may reorder or hide what can: control and format characters, and separators of lines. */
const unseen = /[\p{Cc}\p{Cf}\u2028\u2029]/gu

/** A text of somebody else's making as one line that shows itself as it reads, cut to `most` characters. */
export function plainLine(text: string, most: number): string {
  const characters = Array.from(text.replace(/\s+/gu, ' ').replace(unseen, '').trim())
  return characters.length <= most ? characters.join('') : `${characters.slice(0, most - 1).join('')}…`
}

/** Words one after the other as in a sentence, and a number for what is beyond the third. */
export function listed(words: readonly string[]): string {
  const shown = words.length > 3 ? words.slice(0, 2) : words
  return words.length > 3 ? `${shown.join(', ')} and ${words.length - 2} more` : shown.join(', ')
}
