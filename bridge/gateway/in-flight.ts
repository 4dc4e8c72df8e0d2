import type { Socket } from 'node:net'
import { BridgeError, type Failure } from '../../shared/errors.ts'
import type { AnswerOptions } from './failure-answer.ts'

/** A call or a stream that can be ended from outside. */
export interface Endable {
  /** The local connection it came in on. */
  readonly socket: Socket
  /** Aborted when the access it uses ends. */
  readonly access: AbortSignal
  end(failure: Failure, options?: AnswerOptions): void
}

/** Everything that is being served. */
export interface InFlight {
  /** Returns what takes it out again. */
  add(served: Endable): () => void
  /** What is being served on one local connection. */
  on(socket: Socket): Endable[]
  endAll(failure: Failure): void
  readonly size: number
}

interface Place {
  readonly served: Endable
  index: number
}

/** Ends what it holds when its access ends. One listener watches an access, however many calls use it. */
export function createInFlight(): InFlight {
  // Not a Set: the tables that it leaves behind when it rehashes keep finished calls alive until a full collection, which costs each call time.
  const places: Place[] = []
  const watched = new WeakSet<AbortSignal>()

  const everything = (): Endable[] => places.map(({ served }) => served)
  const watch = (access: AbortSignal): void => {
    if (watched.has(access)) return
    watched.add(access)
    access.addEventListener('abort', () => {
      for (const served of everything()) if (served.access === access) served.end(endReason(access))
    })
  }

  return {
    add(served) {
      watch(served.access)
      const place: Place = { served, index: places.length }
      places.push(place)
      return () => {
        if (places[place.index] !== place) return
        const last = places.pop() ?? place
        if (last === place) return
        places[place.index] = last
        last.index = place.index
      }
    },
    on: (socket) => everything().filter((served) => served.socket === socket),
    endAll(failure) {
      for (const served of everything()) served.end(failure)
    },
    get size() {
      return places.length
    },
  }
}

/** Why an access ended: what its owner says, else `connection.ended`. */
export function endReason({ reason }: AbortSignal): Failure {
  return reason instanceof BridgeError ? reason.toFailure() : { code: 'connection.ended' }
}
