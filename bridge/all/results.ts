import { elementsOf, type Place } from '../channel/json-bytes.ts'
import { readMessage, stringAt } from '../channel/rpc-message.ts'
import { foreignValue, membersAt, splice, writtenAt, type Edit } from './splicing.ts'

/** What the values of one server in a result become. */
export interface Publisher {
  readonly connection: string
  /** A resource that the client may read afterwards. */
  uri(uri: string): string
}

/**
 * The answer of a server with its resources and tasks under the names that the client can use, and the same bytes where there are none. Links and
 * embedded resources of tools and prompts are meant, and the contents of a resource.
 */
export function publishResult(bytes: Buffer, publisher: Publisher): Buffer {
  const hasUris = bytes.includes('"uri"')
  const hasTask = bytes.includes('"taskId"')
  if (!hasUris && !hasTask) return bytes
  const result = readMessage(bytes)?.resultPlace
  if (!result) return bytes
  const edits = [...(hasUris ? uriEdits(bytes, result, publisher) : [])]
  if (hasTask) edits.push(...taskEdits(bytes, result, publisher.connection))
  return splice(
    bytes,
    edits.sort((one, other) => one.place.start - other.place.start),
  )
}

/** The edit that marks the id of a task as one of a connection. */
export function taskEdit(bytes: Buffer, place: Place, connection: string): Edit {
  return { place, json: foreignValue(connection, writtenAt(bytes, place)) }
}

function taskEdits(bytes: Buffer, result: Place, connection: string): Edit[] {
  const [id, task] = membersAt(bytes, result, ['taskId', 'task']) ?? []
  const [nested] = membersAt(bytes, task, ['taskId']) ?? []
  return [id, nested].flatMap((place) => (place ? [taskEdit(bytes, place, connection)] : []))
}

function uriEdits(bytes: Buffer, result: Place, publisher: Publisher): Edit[] {
  return uriPlaces(bytes, result).flatMap((place) => {
    const uri = stringAt(bytes, place)
    const published = uri === undefined ? undefined : publisher.uri(uri)
    return published === undefined || published === uri ? [] : [{ place, json: JSON.stringify(published) }]
  })
}

function uriPlaces(bytes: Buffer, result: Place): Place[] {
  const [content, messages, contents, later] =
    membersAt(bytes, result, ['content', 'messages', 'contents', 'result']) ?? []
  const inMessages = listAt(bytes, messages).flatMap((message) => {
    const [said] = membersAt(bytes, message, ['content']) ?? []
    return said && bytes[said.start] === 0x5b ? listAt(bytes, said) : said ? [said] : []
  })
  const blocks = [...listAt(bytes, content), ...inMessages].flatMap((block) => inBlock(bytes, block))
  const read = listAt(bytes, contents).flatMap((part) => membersAt(bytes, part, ['uri'])?.[0] ?? [])
  // The result of a task that has come to its end.
  return [...blocks, ...read, ...(later ? uriPlaces(bytes, later) : [])]
}

function inBlock(bytes: Buffer, block: Place): Place[] {
  const [type, link, resource] = membersAt(bytes, block, ['type', 'uri', 'resource']) ?? []
  const [embedded] = membersAt(bytes, resource, ['uri']) ?? []
  const kind = stringAt(bytes, type)
  const place = kind === 'resource_link' ? link : kind === 'resource' ? embedded : undefined
  return place ? [place] : []
}

function listAt(bytes: Buffer, place: Place | undefined): Place[] {
  return (place && elementsOf(bytes, place.start)) ?? []
}
