import type { Place } from '../channel/json-bytes.ts'
import { findParams, stringAt, type RpcMessage } from '../channel/rpc-message.ts'
import { publishResult, taskEdit } from './results.ts'
import {
  foreignValue,
  membersAt,
  messageOf,
  readForeignValue,
  splice,
  valueAt,
  withValue,
  writtenAt,
  type Edit,
} from './splicing.ts'
import type { UriSpace } from './uris.ts'

/** How many subscriptions are remembered by the uri that the client used. */
const mostSubscribed = 10_000

/**
 * Translates between what servers and the client call things. Ids and tokens that a server chose are marked with its connection, so that they can
 * be told apart, and read back, without anything being kept.
 */
export class Mapping {
  readonly #uris: UriSpace
  readonly #subscribed = new Map<string, string>()

  constructor(uris: UriSpace) {
    this.#uris = uris
  }

  /** The client subscribes to a resource by this uri, and is told of it by the same. */
  subscribe(connection: string, uri: string, clientUri: string): void {
    if (this.#subscribed.size < mostSubscribed) this.#subscribed.set(`${connection}\n${uri}`, clientUri)
  }

  unsubscribe(connection: string, uri: string): void {
    this.#subscribed.delete(`${connection}\n${uri}`)
  }

  /** A message of a server's own as the client gets it; the very same where it has nothing that is translated. */
  fromServer(connection: string, message: RpcMessage): RpcMessage {
    if (message.kind === 'request') return this.#request(connection, message)
    const { bytes, method = '' } = message
    if (method === 'notifications/cancelled') return marked(connection, message, 'requestId')
    if (method.startsWith('notifications/tasks')) return marked(connection, message, 'taskId')
    if (method !== 'notifications/resources/updated') return message
    const place = findParams(message, ['uri'])?.[0]
    const uri = stringAt(bytes, place)
    if (!place || uri === undefined) return message
    const known = this.#subscribed.get(`${connection}\n${uri}`) ?? this.#uris.publish(connection, uri)
    return known === uri ? message : withValue(message, place, JSON.stringify(known))
  }

  /** A server's answer as the client gets it. */
  answer(connection: string, bytes: Buffer): Buffer {
    return publishResult(bytes, {
      connection,
      uri: (uri) => {
        this.#uris.claim(connection, uri)
        return this.#uris.publish(connection, uri)
      },
    })
  }

  #request(connection: string, message: RpcMessage): RpcMessage {
    const { bytes, idPlace } = message
    const [token] = membersAt(bytes, findParams(message, ['_meta'])?.[0], ['progressToken']) ?? []
    const edits = [idPlace, token].flatMap((place): Edit[] =>
      place ? [{ place, json: foreignValue(connection, writtenAt(bytes, place)) }] : [],
    )
    return messageOf(
      splice(
        bytes,
        edits.sort((one, other) => one.place.start - other.place.start),
      ),
    )
  }
}

/**
 * What the client says about a server's request, be it the answer or its progress, as that server knows it. Undefined where it is about none.
 */
export function toServer(message: RpcMessage): { connection: string; message: RpcMessage } | undefined {
  const place = message.kind === 'answer' ? message.idPlace : findParams(message, ['progressToken'])?.[0]
  return place && readMark(message, place)
}

/** A request about a task, as its server knows it. */
export function toTaskServer(request: RpcMessage): { connection: string; message: RpcMessage } | undefined {
  const place = findParams(request, ['taskId'])?.[0]
  return place && readMark(request, place)
}

function readMark(
  message: RpcMessage,
  place: Place,
): { connection: string; message: RpcMessage } | undefined {
  const read = readForeignValue(valueAt(message.bytes, place))
  return read && isJson(read.json)
    ? { connection: read.connection, message: withValue(message, place, read.json) }
    : undefined
}

/** A client may send anything. */
function isJson(text: string): boolean {
  try {
    return ['string', 'number'].includes(typeof JSON.parse(text))
  } catch {
    return false
  }
}

function marked(connection: string, message: RpcMessage, name: string): RpcMessage {
  const place = findParams(message, [name])?.[0]
  return place ? messageOf(splice(message.bytes, [taskEdit(message.bytes, place, connection)])) : message
}
