import { elementsOf, findMembers, type Place } from '../channel/json-bytes.ts'
import { stringAt, type RpcMessage } from '../channel/rpc-message.ts'
import { membersAt, splice, valueAt, type Edit } from './splicing.ts'

/** One kind of list that servers offer. */
export interface ListKind {
  readonly method: string
  /** The member of a result that has the list, and the member of an item that tells it from the others. */
  readonly member: string
  readonly key: string
  readonly isNamed: boolean
  /** The capability of a server that has such a list. */
  readonly capability: string
  /** The notification that such a list has changed, and how a client of the current revision asks for it. */
  readonly changed: string
  readonly flag: string
}

const kind = (
  area: string,
  member: string,
  key: string,
  method = `${area}/list`,
): readonly [string, ListKind] => [
  method,
  {
    method,
    member,
    key,
    isNamed: key === 'name',
    capability: area,
    changed: `notifications/${area}/list_changed`,
    flag: `${area}ListChanged`,
  },
]

/** By method: every kind of list. */
export const listKinds: ReadonlyMap<string, ListKind> = new Map([
  kind('tools', 'tools', 'name'),
  kind('prompts', 'prompts', 'name'),
  kind('resources', 'resources', 'uri'),
  kind('resources', 'resourceTemplates', 'uriTemplate', 'resources/templates/list'),
])

/** One item of a server's list, as it came. */
export interface ListedItem {
  readonly key: string
  readonly bytes: Buffer
}

/** One page of a server's list. */
export interface ListPage {
  readonly items: readonly ListedItem[]
  readonly nextCursor: string | undefined
  /** How long it may be taken for fresh, in milliseconds, where the server says so. */
  readonly ttlMs: number | undefined
}

/** Reads one page; undefined for an answer without a list. An item without a key is left out. */
export function readPage(
  { member, key }: ListKind,
  { bytes, resultPlace }: RpcMessage,
): ListPage | undefined {
  const [list, nextCursor, ttl] = membersAt(bytes, resultPlace, [member, 'nextCursor', 'ttlMs']) ?? []
  const elements = list && elementsOf(bytes, list.start)
  if (!elements) return undefined
  const items = elements.flatMap(({ start, end }): ListedItem[] => {
    const item = bytes.subarray(start, end)
    const found = findMembers(item, 0, [key])
    const text = found?.isAmbiguous === false ? stringAt(item, found.places[0]) : undefined
    return text === undefined ? [] : [{ key: text, bytes: item }]
  })
  const ttlMs = valueAt(bytes, ttl)
  return {
    items,
    nextCursor: stringAt(bytes, nextCursor),
    ttlMs: typeof ttlMs === 'number' && ttlMs >= 0 ? ttlMs : undefined,
  }
}

/** An item under another key, and the views in it under other uris. */
export function renderItem(
  { key, isNamed }: ListKind,
  { bytes }: ListedItem,
  publicKey: string,
  publish: (uri: string) => string,
): Buffer {
  const place = findMembers(bytes, 0, [key])?.places[0]
  const edits = place ? [{ place, json: JSON.stringify(publicKey) }] : []
  if (isNamed) edits.push(...viewEdits(bytes, publish))
  return splice(
    bytes,
    edits.sort((one, other) => one.place.start - other.place.start),
  )
}

/** The uris of views (MCP Apps) that a tool names. */
export function viewsOf({ bytes }: ListedItem): readonly string[] {
  return viewPlaces(bytes).map((place) => stringAt(bytes, place) ?? '')
}

function viewEdits(bytes: Buffer, publish: (uri: string) => string): Edit[] {
  return viewPlaces(bytes).flatMap((place) => {
    const uri = stringAt(bytes, place) ?? ''
    const published = publish(uri)
    return published === uri ? [] : [{ place, json: JSON.stringify(published) }]
  })
}

/** @see [MCP Apps, Tool Metadata](https://github.com/modelcontextprotocol/ext-apps/blob/main/specification/2026-01-26/apps.mdx) */
function viewPlaces(bytes: Buffer): Place[] {
  if (!bytes.includes('ui://')) return []
  const [meta] = findMembers(bytes, 0, ['_meta'])?.places ?? []
  const [ui, flat, older] = membersAt(bytes, meta, ['ui', 'ui/resourceUri', 'openai/outputTemplate']) ?? []
  const [nested] = membersAt(bytes, ui, ['resourceUri']) ?? []
  return [nested, flat, older].filter(
    (place): place is Place => place !== undefined && stringAt(bytes, place) !== undefined,
  )
}
