import { isDeepStrictEqual } from 'node:util'
import { BridgeError } from '../../../shared/errors.ts'
import { jsonFormat } from './json.ts'
import { tomlFormat } from './toml.ts'
import { yamlFormat } from './yaml.ts'

export type Json = null | boolean | number | string | readonly Json[] | JsonObject
export interface JsonObject {
  readonly [key: string]: Json
}

/** Where a settings file keeps its servers: under these keys, by name in a map, or in a list of objects with a `name`. */
export interface ServerTable {
  readonly keys: readonly string[]
  readonly listed: boolean
}

/** Edits the text of one file format so that every byte that is not part of the edit stays. */
export interface Format {
  /** The value of the text; an empty text is an empty object. Throws `clients.file_broken`. */
  parse(text: string): unknown
  /** Adds a server that is not there yet, after the last one. */
  insert(text: string, table: ServerTable, name: string, fields: JsonObject): string
  /** Changes fields of a server that is there and drops others, in place. */
  amend(text: string, table: ServerTable, name: string, fields: JsonObject, drop: readonly string[]): string
  /** Removes a server that is there. */
  remove(text: string, table: ServerTable, name: string): string
}

export type FormatName = 'json' | 'yaml' | 'toml'

/** The three formats that settings files come in. `json` allows comments and trailing commas. */
export const formats: Readonly<Record<FormatName, Format>> = {
  json: jsonFormat,
  yaml: yamlFormat,
  toml: tomlFormat,
}

/** Whether a parsed value is a map of keys. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The servers of a parsed settings file, by name and in order. Throws `clients.file_broken` when the place holds something else. */
export function serversOf(root: unknown, table: ServerTable): ReadonlyMap<string, Record<string, unknown>> {
  let place: unknown = root
  for (const key of table.keys) {
    if (place === null || place === undefined) return new Map()
    if (!isRecord(place)) throw new BridgeError('clients.file_broken', `${key} is not where it belongs`)
    place = Object.hasOwn(place, key) ? place[key] : undefined
  }
  if (place === null || place === undefined) return new Map()
  if (table.listed) {
    if (!Array.isArray(place))
      throw new BridgeError('clients.file_broken', `${table.keys.join('.')} is not a list`)
    return new Map(
      place
        .filter(isRecord)
        .flatMap((item) => (typeof item['name'] === 'string' ? [[item['name'], item]] : [])),
    )
  }
  if (!isRecord(place))
    throw new BridgeError('clients.file_broken', `${table.keys.join('.')} is not a table of servers`)
  // A server that is no table is kept as an empty one: its name is taken all the same.
  return new Map(Object.entries(place).map(([name, server]) => [name, isRecord(server) ? server : {}]))
}

/**
 * The text with a server of this name that has these fields. One that is there keeps its other fields, but for those to
 * drop. When nothing would change the very same text comes back. The result is parsed again and compared with what was
 * wanted, so that a way of writing that the editor does not know ends in `clients.file_unsupported` and never in a broken file.
 */
export function putServer(
  format: Format,
  text: string,
  table: ServerTable,
  name: string,
  fields: JsonObject,
  drop: readonly string[] = [],
): string {
  const before = serversOf(format.parse(text), table)
  const present = before.get(name)
  const wanted = present
    ? { ...Object.fromEntries(Object.entries(present).filter(([key]) => !drop.includes(key))), ...fields }
    : table.listed
      ? { name, ...fields }
      : { ...fields }
  if (present && isDeepStrictEqual(present, wanted)) return text
  const fits = (after: string): boolean => isAsWanted(format, text, after, table, name, wanted)
  if (!present) return checked([() => format.insert(text, table, name, fields)], fits)
  return checked(
    [
      () => format.amend(text, table, name, fields, drop),
      () => format.insert(format.remove(text, table, name), table, name, wanted as JsonObject),
    ],
    fits,
  )
}

/** The text without the server of this name, checked like `putServer`. Without such a server the same text comes back. */
export function takeServer(format: Format, text: string, table: ServerTable, name: string): string {
  if (!serversOf(format.parse(text), table).has(name)) return text
  return checked([() => format.remove(text, table, name)], (after) =>
    isAsWanted(format, text, after, table, name, undefined),
  )
}

function checked(edits: readonly (() => string)[], fits: (after: string) => boolean): string {
  for (const edit of edits) {
    try {
      const after = edit()
      if (fits(after)) return after
    } catch (thrown) {
      if (!(thrown instanceof BridgeError)) throw thrown
    }
  }
  throw new BridgeError('clients.file_unsupported')
}

/** Whether two texts say the same; a table of servers that is not there and one that is empty count as the same. */
export function saysTheSame(format: Format, a: string, b: string, table: ServerTable): boolean {
  const [one, other] = [format.parse(a), format.parse(b)]
  return isSame(one, other, table, serversOf(other, table))
}

function isAsWanted(
  format: Format,
  before: string,
  after: string,
  table: ServerTable,
  name: string,
  wanted: Record<string, unknown> | undefined,
): boolean {
  const old = format.parse(before)
  const expected = new Map(serversOf(old, table))
  if (wanted) expected.set(name, wanted)
  else expected.delete(name)
  return isSame(format.parse(after), old, table, expected)
}

function isSame(
  root: unknown,
  other: unknown,
  table: ServerTable,
  servers: ReadonlyMap<string, Record<string, unknown>>,
): boolean {
  return (
    isDeepStrictEqual([...serversOf(root, table)].sort(byName), [...servers].sort(byName)) &&
    isDeepStrictEqual(withoutServers(root, table.keys), withoutServers(other, table.keys))
  )
}

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number =>
  a < b ? -1 : a > b ? 1 : 0

/** Everything in the file but the servers. */
function withoutServers(root: unknown, keys: readonly string[]): unknown {
  const [key, ...rest] = keys
  if (key === undefined) return undefined
  const { [key]: inner, ...others } = isRecord(root) ? root : {}
  return [others, withoutServers(inner, rest)]
}
