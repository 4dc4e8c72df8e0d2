import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'

/** A secret that was found where it must not be. It names the secret by its label, never by its value. */
export interface Finding {
  readonly secret: string
  readonly encoding: string
  /** The file, relative to its folder, or the name of the output. */
  readonly where: string
}

export interface Search {
  /** Secrets by label. Short ones are refused, since they would be found anywhere. */
  readonly secrets: ReadonlyMap<string, string> | Readonly<Record<string, string>>
  /** Folders that are searched with everything below them. */
  readonly folders?: readonly string[]
  /** Collected outputs by name, such as the stdout of a command. */
  readonly outputs?: Readonly<Record<string, string | Uint8Array>>
}

const shortestSecret = 12

/**
 * Looks for planted secrets in files and outputs: as they are, percent-encoded, form-encoded, escaped as in JSON,
 * in hexadecimal, and in Base64 and Base64url wherever they begin in the encoded text.
 */
export async function findPlanted({ secrets, folders = [], outputs = {} }: Search): Promise<Finding[]> {
  const entries = secrets instanceof Map ? [...secrets] : Object.entries(secrets)
  const patterns = entries.flatMap(([secret, value]) => {
    if (value.length < shortestSecret) throw new Error(`the secret "${secret}" is too short to be looked for`)
    return [...spellings(value)].map(([spelling, encoding]) => ({
      secret,
      encoding,
      bytes: Buffer.from(spelling),
    }))
  })
  const findings: Finding[] = []
  const search = (where: string, content: Uint8Array): void => {
    const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength)
    for (const { secret, encoding, bytes: pattern } of patterns) {
      if (bytes.includes(pattern)) findings.push({ secret, encoding, where })
    }
  }
  for (const [name, output] of Object.entries(outputs)) search(name, Buffer.from(output as Uint8Array))
  for (const folder of folders) {
    for (const file of await filesBelow(folder)) {
      search(file, Buffer.from(file))
      search(file, await readFile(join(folder, file)))
    }
  }
  return findings
}

/** Spellings of a secret, each with the name of its encoding. */
function spellings(secret: string): Map<string, string> {
  const bytes = Buffer.from(secret)
  const found = new Map<string, string>([[secret, 'plain']])
  const add = (spelling: string, encoding: string): void => {
    if (!found.has(spelling)) found.set(spelling, encoding)
  }
  add(encodeURIComponent(secret), 'percent')
  add(new URLSearchParams([['', secret]]).toString().slice(1), 'form')
  add(JSON.stringify(secret).slice(1, -1), 'json')
  add(bytes.toString('hex'), 'hex')
  // Base64 of a longer text shows the secret in one of three alignments; only the characters that
  // the secret alone decides are looked for.
  for (const offset of [0, 1, 2]) {
    for (const encoding of ['base64', 'base64url'] as const) {
      const encoded = Buffer.concat([Buffer.alloc(offset), bytes])
        .toString(encoding)
        .replaceAll('=', '')
      const decided = Math.floor(((offset + bytes.length) * 8) / 6)
      add(encoded.slice(Math.ceil((offset * 8) / 6), decided), encoding)
    }
  }
  return found
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
}
