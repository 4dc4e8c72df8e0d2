import type { Socket } from 'node:net'
import { BridgeError, type Failure } from '../../shared/errors.ts'
import type { AnswerOptions } from './failure-answer.ts'

/** A call or a stream that can be ended from outside. */
export interface Endable {
  /** The local connection it came in on, where it has one of its own. */
  readonly socket?: Socket
  /** Aborted when the access it uses ends. */
  readonly access: AbortSignal
  end(failure: Failure, options?: AnswerOptions): void
}

/** Everything that is being served. */
export interface InFlight<Served extends Endable = Endable> {
  /** Returns what takes it out again. */
  add(served: Served): () => void
  /** What is being served on one local connection. */
  on(socket: Socket): Served[]
  /** All that is being served now. */
  all(): Served[]
  /** Ends everything, or what `only` picks. */
  endAll(failure: Failure, only?: (served: Served) => boolean): void
  readonly size: number
}

interface Place<Served> {
  readonly served: Served
  index: number
}

/** Ends what it holds when its access ends. One listener watches an access, however many calls use it. */
export function createInFlight<Served extends Endable = Endable>(): InFlight<Served> {
  // Not a Set: the tables that it leaves behind when it rehashes keep finished calls alive until a full collection, which costs each call time.
  const places: Place<Served>[] = []
  const watched = new WeakSet<AbortSignal>()

  const everything = (): Served[] => places.map(({ served }) => served)
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
      const place: Place<Served> = { served, index: places.length }
      places.push(place)
      return () => {
        if (places[place.index] !== place) return
        const last = places.pop() ?? place
        if (last === place) return
        places[place.index] = last
        last.index = place.index
      }
    },
    all: everything,
    on: (socket) => everything().filter((served) => served.socket === socket),
    endAll(failure, only = () => true) {
      for (const served of everything()) if (only(served)) served.end(failure)
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
