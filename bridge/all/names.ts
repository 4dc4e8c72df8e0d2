import { createHash } from 'node:crypto'

/**
 * The most characters of a name that a client is given. Models take 64 of `[a-zA-Z0-9_-]`, and client apps put their own name of the server
 * before ours: `mcp__bridgekeeper__` in Claude Code and Codex, shorter ones in Cursor, VS Code and Gemini CLI.
 */
export const mostNameLength = 64 - 'mcp__bridgekeeper__'.length

/** What the two parts of a name are joined with. No id of a connection has an underscore, so the first one in a name is this. */
const joint = '__'
/** A longer id is shortened, so that room for the rest remains. */
const mostConnectionLength = 20
/** Letters that a digest is given with, and how many: 50 bits. */
const digestLength = 10
const letters = 'abcdefghijklmnopqrstuvwxyz234567'

/** Gives ten letters that stand for a text. */
export type Digest = (text: string) => string

/** The first 50 bits of SHA-256. */
export const digestOf: Digest = (text) => {
  const bytes = createHash('sha256').update(text).digest()
  let bits = bytes.readUIntBE(0, 6) * 4 + ((bytes[6] as number) >> 6)
  let digest = ''
  for (let i = 0; i < digestLength; i++) {
    digest = (letters[bits % 32] as string) + digest
    bits = Math.floor(bits / 32)
  }
  return digest
}

/** What stands for a connection at the start of its names: its id, or the beginning of a long one and a digest of it. */
export function connectionTag(connection: string): string {
  if (connection.length <= mostConnectionLength) return connection
  return `${connection.slice(0, mostConnectionLength - 1 - digestLength)}_${digestOf(connection)}`
}

/**
 * The name that a client gets for a tool or a prompt of a connection: `<connection>__<name>`. A name that would be too long, or has other
 * characters than all clients take, is shortened to its beginning, two underscores and a digest of all of it. `attempt` is for two whose digests are the same.
 */
export function publicName(connection: string, name: string, attempt = 0, digest = digestOf): string {
  const tag = connectionTag(connection)
  const room = mostNameLength - tag.length - joint.length
  if (attempt === 0 && isPlain(name, room)) return tag + joint + name
  const ending = joint + digest(attempt === 0 ? name : `${name}\0${attempt}`)
  const beginning = name.replace(/[^a-zA-Z0-9_-]/g, '_').slice(0, room - ending.length)
  return tag + joint + beginning + ending
}

/** Whether a name goes through as it is. One that looks shortened does not, so that no shortened name is also another's own. */
function isPlain(name: string, room: number): boolean {
  return name.length <= room && /^[a-zA-Z0-9_-]+$/.test(name) && !looksShortened(name)
}

function looksShortened(name: string): boolean {
  return /__[a-z2-7]{10}$/.test(name)
}

/**
 * The public names of a whole list, by the server's own. However the list is ordered, each gets the same, and no two get one; a name that
 * occurs twice is one name.
 */
export function publicNames(
  connection: string,
  names: Iterable<string>,
  digest = digestOf,
): ReadonlyMap<string, string> {
  const taken = new Set<string>()
  const given = new Map<string, string>()
  for (const name of [...new Set(names)].sort()) {
    let candidate = publicName(connection, name, 0, digest)
    for (let attempt = 1; taken.has(candidate); attempt++) {
      candidate = publicName(connection, name, attempt, digest)
    }
    taken.add(candidate)
    given.set(name, candidate)
  }
  return given
}

/** What a public name leads to. */
export interface NamedAt {
  readonly connection: string
  /** The server's own name; undefined for a shortened one, which only the server's list tells. */
  readonly name: string | undefined
}

/** Reads a public name back, without any list where it is not shortened; undefined where it names none of these connections. */
export function readPublicName(name: string, connections: readonly string[]): NamedAt | undefined {
  const at = name.indexOf(joint)
  if (at < 0) return undefined
  const tag = name.slice(0, at)
  const connection = connections.find((one) => connectionTag(one) === tag)
  if (connection === undefined) return undefined
  const rest = name.slice(at + joint.length)
  return { connection, name: looksShortened(rest) ? undefined : rest }
}
