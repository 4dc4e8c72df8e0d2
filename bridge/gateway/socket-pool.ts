import type { Agent, ClientRequest } from 'node:http'
import type { Socket } from 'node:net'

const restingSince = Symbol('restingSince')

/** A socket of an agent, with what Node notes on it and leaves out of its types. */
interface PooledSocket extends Socket {
  /** The request that uses it, or used it last. */
  _httpMessage?: ClientRequest | null
  /** The time of the wall clock when its last request ended, in milliseconds. */
  [restingSince]?: number
}

/** What Node asks of whatever it takes for an agent, and of its own as well. */
interface AgentLike {
  addRequest(request: ClientRequest, options: object): void
}

/** Where the sockets wait that are used by no request. */
export interface SocketPool {
  readonly agent: Agent
  /** Closes those that wait and are stale, and says how many still wait. `since`: when the wait began. */
  readonly closeIdle: (isStale: (since: number) => boolean) => number
}

/**
 * Lets the idle sockets of an agent, all of which lead to one place, wait in a list of its own: the agent copies its options and writes a name
 * for every request, which costs a tenth of a call. What is rare stays with the agent: new sockets, requests beyond its limit, the end of sockets.
 * `rested` is called whenever one begins to wait and gives the time.
 */
export function createSocketPool(agent: Agent, rested: () => number): SocketPool {
  let idle: PooledSocket[] = []
  const own = agent as unknown as AgentLike
  const addRequest = own.addRequest.bind(agent)
  const release = agent.listeners('free')
  // What is left to the agent when it rests is closed by it.
  agent.keepSocketAlive = () => false

  /** The newest first: it is the one most likely to be alive, and the others can age and end. */
  function takeIdle(): PooledSocket | undefined {
    for (let socket = idle.pop(); socket; socket = idle.pop()) if (socket.writable) return socket
    return undefined
  }

  function mayRest(socket: PooledSocket): boolean {
    if (!socket.writable || !socket._httpMessage?.shouldKeepAlive) return false
    if (idle.length >= agent.maxFreeSockets) return false
    for (const _ in agent.requests) return false
    return true
  }

  own.addRequest = (request, options) => {
    const socket = takeIdle()
    if (!socket) return addRequest(request, options)
    request.reusedSocket = true
    socket.ref()
    request.onSocket(socket)
  }

  agent.removeAllListeners('free').on('free', (socket: PooledSocket, options: object) => {
    if (!mayRest(socket)) {
      for (const leave of release) leave.call(agent, socket, options)
      return
    }
    socket._httpMessage = null
    socket[restingSince] = rested()
    socket.unref()
    idle.push(socket)
  })

  return {
    agent,
    closeIdle(isStale) {
      const before = idle
      idle = []
      for (const socket of before) {
        if (socket.destroyed) continue
        if (isStale(socket[restingSince] ?? 0)) socket.destroy()
        else idle.push(socket)
      }
      return idle.length
    },
  }
}
