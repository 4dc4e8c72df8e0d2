import { findParams, stringAt, type RpcMessage } from '../channel/rpc-message.ts'
import type { Place } from '../channel/json-bytes.ts'
import type { Child } from './child.ts'
import { listKinds, type ListKind } from './items.ts'
import type { Lists } from './lists.ts'
import { toTaskServer } from './mapping.ts'
import { readPublicName } from './names.ts'
import { membersAt, withValue } from './splicing.ts'
import type { UriSpace } from './uris.ts'

/** Where a request goes, in the words of its server. */
export interface Route {
  readonly child: Child
  readonly request: RpcMessage
  /** For a request about a resource: its uri at the server, and the client's. */
  readonly uri?: { readonly own: string; readonly client: string }
}

/** Why a request goes nowhere. */
export type Astray = 'unknown-method' | 'unknown-name' | 'unknown-resource' | 'unknown-task' | 'invalid'

/** What a router looks into. */
export interface RouterOptions {
  readonly connections: () => readonly string[]
  readonly children: () => readonly Child[]
  readonly child: (connection: string) => Child | undefined
  readonly lists: Lists
  readonly uris: UriSpace
}

const tools = listKinds.get('tools/list') as ListKind
const prompts = listKinds.get('prompts/list') as ListKind
const resourceKinds = [...listKinds.values()].filter(({ isNamed }) => !isNamed)

/** Finds the server that a request is for. */
export class Router {
  readonly #options: RouterOptions

  constructor(options: RouterOptions) {
    this.#options = options
  }

  /** Calls `follow` with where a request goes; later where the lists of servers have to be asked for that. */
  route(request: RpcMessage, follow: (route: Route | Astray) => void): void {
    switch (request.method) {
      case 'tools/call':
        return this.#byName(request, findParams(request, ['name'])?.[0], tools, follow)
      case 'prompts/get':
        return this.#byName(request, findParams(request, ['name'])?.[0], prompts, follow)
      case 'resources/read':
      case 'resources/subscribe':
      case 'resources/unsubscribe':
        return this.#byUri(request, findParams(request, ['uri'])?.[0], follow)
      case 'completion/complete': {
        const ref = findParams(request, ['ref'])?.[0]
        const [name, uri] = membersAt(request.bytes, ref, ['name', 'uri']) ?? []
        return name ? this.#byName(request, name, prompts, follow) : this.#byUri(request, uri, follow)
      }
      case 'tasks/get':
      case 'tasks/update':
      case 'tasks/cancel':
      case 'tasks/result': {
        const read = toTaskServer(request)
        const child = read && this.#options.child(read.connection)
        return follow(read && child ? { child, request: read.message } : 'unknown-task')
      }
      default:
        return follow('unknown-method')
    }
  }

  /** What a uri of the client leads to, as far as that is known without asking. */
  childOf(uri: string): { readonly child: Child; readonly uri: string } | undefined {
    const { uris, lists, child } = this.#options
    const isListed = (connection: string): boolean => {
      const one = child(connection)
      return one !== undefined && resourceKinds.some((kind) => lists.source(one, kind).has(uri))
    }
    const read = uris.read(uri, isListed)
    const found = read && child(read.connection)
    return read && found ? { child: found, uri: read.uri } : undefined
  }

  #byName(
    request: RpcMessage,
    place: Place | undefined,
    kind: ListKind,
    follow: (route: Route | Astray) => void,
  ): void {
    const { connections, child: childAt, lists } = this.#options
    const name = stringAt(request.bytes, place)
    if (!place || name === undefined) return follow('invalid')
    const named = readPublicName(name, connections())
    const child = named && childAt(named.connection)
    if (!child) return follow('unknown-name')
    const found = (): Route | undefined => {
      const own = named.name ?? lists.source(child, kind).keyOf(name)
      return own === undefined
        ? undefined
        : { child, request: withValue(request, place, JSON.stringify(own)) }
    }
    const route = found()
    if (route) return follow(route)
    lists.learn(request, [lists.source(child, kind)], () => follow(found() ?? 'unknown-name'))
  }

  #byUri(request: RpcMessage, place: Place | undefined, follow: (route: Route | Astray) => void): void {
    const { children, lists } = this.#options
    const client = stringAt(request.bytes, place)
    if (!place || client === undefined) return follow('invalid')
    const found = (): Route | undefined => {
      const at = this.childOf(client)
      if (!at) return undefined
      const isSame = at.uri === client
      return {
        child: at.child,
        request: isSame ? request : withValue(request, place, JSON.stringify(at.uri)),
        uri: { own: at.uri, client },
      }
    }
    const route = found()
    if (route) return follow(route)
    const unknown = children().flatMap((child) =>
      resourceKinds.map((kind) => lists.source(child, kind)).filter(({ items }) => !items),
    )
    lists.learn(request, unknown, () => follow(found() ?? 'unknown-resource'))
  }
}
