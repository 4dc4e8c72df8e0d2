import { createInterface } from 'node:readline'
import type { Face } from './face.ts'
import { text, type Text } from './text.ts'

/**
 * Whether the person at the terminal says yes; Enter alone, the end of the input and Ctrl-C say no. Undefined where nobody can be
 * asked, because stdin is no terminal or a program reads the answer.
 */
export async function agrees({ stdin, terminal }: Face, question: Text): Promise<boolean | undefined> {
  if (terminal.json || stdin.isTTY !== true) return undefined
  terminal.note(text`${question} [y/N]`)
  const lines = createInterface({ input: stdin })
  try {
    return await new Promise<boolean>((resolve) => {
      lines.once('line', (line) => resolve(/^\s*y(es)?\s*$/i.test(line)))
      lines.once('close', () => resolve(false))
    })
  } finally {
    lines.close()
  }
}
