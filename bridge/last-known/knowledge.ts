import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { ServerEra } from '../translation/era.ts'

/** What a server lists. */
export const listNames = ['tools', 'prompts', 'resources', 'resourceTemplates'] as const
export type ListName = (typeof listNames)[number]

const JsonObject = z.record(z.string(), z.unknown())

/** What a server said of itself, in its answer to `initialize` or `server/discover`. */
export const ServerSelf = z.object({
  /** The protocol version that was agreed on, of either era. */
  version: z.string().max(100),
  serverInfo: JsonObject.optional(),
  capabilities: JsonObject,
  instructions: z.string().optional(),
})
export type ServerSelf = z.infer<typeof ServerSelf>

/** A list as it was last seen whole. */
export interface KnownList {
  /** A JSON array of what is kept of its elements. */
  readonly items: Buffer
  /** How many elements the server listed. */
  readonly count: number
  /** When it was last seen, in milliseconds since the epoch. */
  readonly asOf: number
  /** Tells the list as the server gave it from every other. */
  readonly digest: string
}

/** What a server speaks, and when that was found out, in milliseconds since the epoch. */
const serverEras = ['modern', 'session', 'both', 'sse'] as const satisfies readonly ServerEra[]
const KnownEra = z.object({ is: z.enum(serverEras), asOf: z.number() })

/** All that is known of the server of one connection. */
export interface Knowledge {
  readonly era?: z.infer<typeof KnownEra>
  readonly self?: ServerSelf
  readonly lists: Readonly<Partial<Record<ListName, KnownList>>>
}

/** Which capability a list belongs to. */
const capabilityOf: Readonly<Record<ListName, string>> = {
  tools: 'tools',
  prompts: 'prompts',
  resources: 'resources',
  resourceTemplates: 'resources',
}

/** The lists that a server with these capabilities has. */
export function listsOf({ capabilities }: ServerSelf): ListName[] {
  return listNames.filter((name) => capabilities[capabilityOf[name]] !== undefined)
}

/** How much is kept of each list, in bytes: together less than 4 MB for a connection. */
const mostBytes: Readonly<Record<ListName, number>> = {
  tools: 2 * 1024 * 1024,
  prompts: 512 * 1024,
  resources: 768 * 1024,
  resourceTemplates: 256 * 1024,
}
/** A list that is larger than this, in bytes, is not worth the time to look for what could be kept of it. */
const mostReducedBytes = 16 * 1024 * 1024
const mostSelfBytes = 128 * 1024
const mostDescription = 300

/** The members that are kept of an element where the whole list is too large. */
const essentials: Readonly<Record<ListName, readonly string[]>> = {
  tools: ['name', 'title', 'description'],
  prompts: ['name', 'title', 'description', 'arguments'],
  resources: ['uri', 'name', 'title', 'description', 'mimeType'],
  resourceTemplates: ['uriTemplate', 'name', 'title', 'description', 'mimeType'],
}

/**
 * A list to be kept, from the JSON of its elements. What is too large is kept without all but names and short descriptions, tools with a schema that
 * takes anything; what is still too large is kept as a number alone.
 */
export function knownList(name: ListName, elements: readonly Buffer[], asOf: number): KnownList {
  const items = joined(elements)
  const known = { count: elements.length, asOf, digest: digestOf(elements) }
  if (items.length <= mostBytes[name]) return { ...known, items }
  const reduced = items.length <= mostReducedBytes ? joined(elements.flatMap(reducing(name))) : emptyList
  return { ...known, items: reduced.length <= mostBytes[name] ? reduced : emptyList }
}

/** Tells a list from every other one. */
export function digestOf(elements: readonly Buffer[]): string {
  const hash = createHash('sha256')
  // No JSON has a zero byte, so that two lists cannot run together to the same.
  for (const element of elements) hash.update(element).update('\0')
  return hash.digest('base64')
}

const emptyList = Buffer.from('[]')

function joined(elements: readonly Buffer[]): Buffer {
  const comma = Buffer.from(',')
  const pieces = elements.flatMap((element, index) => (index === 0 ? [element] : [comma, element]))
  return Buffer.concat([Buffer.from('['), ...pieces, Buffer.from(']')])
}

function reducing(name: ListName): (element: Buffer) => Buffer[] {
  return (bytes) => {
    const { data: element } = JsonObject.safeParse(JSON.parse(bytes.toString()))
    if (!element) return []
    const kept = Object.fromEntries(
      essentials[name]
        .filter((member) => element[member] !== undefined)
        .map((member) => [member, member === 'description' ? shortened(element[member]) : element[member]]),
    )
    const schema = name === 'tools' ? { inputSchema: { type: 'object' } } : {}
    return [Buffer.from(JSON.stringify({ ...kept, ...schema }))]
  }
}

function shortened(description: unknown): unknown {
  return typeof description === 'string' ? description.slice(0, mostDescription) : undefined
}

/** What a server said of itself as far as it is kept; without its instructions, or not at all, where it says too much. */
export function boundedSelf(self: ServerSelf): ServerSelf | undefined {
  const { instructions: _, ...brief } = self
  return [self, brief].find((one) => Buffer.byteLength(JSON.stringify(one)) <= mostSelfBytes)
}

const StoredList = z.object({ items: z.string(), count: z.number(), asOf: z.number(), digest: z.string() })
const Stored = z.object({
  v: z.literal(1),
  /** The connection that it is about, which another one of the same id is not. */
  of: z.string(),
  era: KnownEra.optional(),
  self: ServerSelf.optional(),
  lists: z.partialRecord(z.enum(listNames), StoredList),
})

/** What is known, as the content of a file. */
export function writeKnowledge(of: string, { era, self, lists }: Knowledge): Buffer {
  const stored: z.infer<typeof Stored> = {
    v: 1,
    of,
    ...(era === undefined ? {} : { era }),
    ...(self === undefined ? {} : { self }),
    lists: Object.fromEntries(
      Object.entries(lists).map(([name, list]) => [name, { ...list, items: list.items.toString() }]),
    ),
  }
  return Buffer.from(JSON.stringify(stored))
}

/** Reads that back; undefined for what is about another connection. Throws where it is something else. */
export function readKnowledge(of: string, content: Uint8Array): Knowledge | undefined {
  const stored = Stored.parse(JSON.parse(Buffer.from(content).toString()))
  if (stored.of !== of) return undefined
  const { era, self, lists } = stored
  return {
    ...(era === undefined ? {} : { era }),
    ...(self === undefined ? {} : { self }),
    lists: Object.fromEntries(
      Object.entries(lists).map(([name, list]) => [name, { ...list, items: Buffer.from(list.items) }]),
    ),
  }
}
