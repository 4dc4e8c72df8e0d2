import type { Readable } from 'node:stream'
import { BridgeError } from '../../shared/errors.ts'

/** More than any secret is long, in characters. */
const LIMIT = 100_000

interface Input extends Readable {
  readonly isTTY?: boolean
  setRawMode?(raw: boolean): unknown
}

/**
 * A secret from stdin, without the one newline that `echo` and editors put at its end. At a terminal it asks and shows nothing
 * of what is typed or pasted.
 * @throws BridgeError `cli.usage` when there is nothing or too much
 */
export async function readSecret(stdin: Input, ask: () => void): Promise<string> {
  const isTyped = stdin.isTTY === true && stdin.setRawMode !== undefined
  if (isTyped) ask()
  const read = isTyped ? await readTyped(stdin) : await readAll(stdin)
  const secret = read.replace(/\r?\n$/, '')
  if (secret === '') throw new BridgeError('cli.usage', 'a secret is expected on stdin and nothing came')
  return secret
}

async function readAll(stdin: Input): Promise<string> {
  stdin.setEncoding('utf8')
  let read = ''
  for await (const chunk of stdin as AsyncIterable<string>) {
    read += chunk
    if (read.length > LIMIT) throw new BridgeError('cli.usage', 'what came on stdin is too long for a secret')
  }
  return read
}

/** In raw mode the terminal shows nothing, and Enter, Backspace and Ctrl-C are ours to understand. */
async function readTyped(stdin: Input): Promise<string> {
  stdin.setEncoding('utf8')
  stdin.setRawMode?.(true)
  let read = ''
  try {
    return await new Promise<string>((resolve, reject) => {
      stdin.on('data', (chunk: string) => {
        for (const key of chunk) {
          if (key === '\r' || key === '\n' || key === '\u0004') resolve(read)
          else if (key === '\u0003') reject(new BridgeError('cli.usage', 'interrupted'))
          else if (key === '\u007F' || key === '\b') read = read.slice(0, -1)
          else read += key
        }
      })
      stdin.once('end', () => resolve(read))
      stdin.resume()
    })
  } finally {
    stdin.removeAllListeners('data')
    stdin.setRawMode?.(false)
    stdin.pause()
  }
}
