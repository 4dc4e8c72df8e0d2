import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { SeenRequest } from './seen.ts'

/** What goes wrong with one request. All but `answer`, `flood` and `trickle` leave the client without a whole answer. */
export type Fault =
  /** Answered like this, and not processed. */
  | {
      readonly kind: 'answer'
      readonly status: number
      readonly headers?: OutgoingHttpHeaders
      readonly body?: string
    }
  /** The connection is reset before anything is processed. */
  | { readonly kind: 'reset' }
  /** Processed, then the connection is reset with nothing of the answer sent. */
  | { readonly kind: 'lost' }
  /** Processed, then reset after half of the answer. */
  | { readonly kind: 'cut' }
  /** Processed after `ms` milliseconds. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** Neither processed nor answered while the server is up. */
  | { readonly kind: 'hang' }
  /** Endless JSON text, as fast as the client reads. */
  | { readonly kind: 'flood' }
  /** Endless JSON text, one byte every 50 ms. */
  | { readonly kind: 'trickle' }

/** Requests wait at a gate until it is opened; nothing about it depends on time. */
interface Gate {
  /** Resolves when the first request waits here. */
  readonly arrived: Promise<void>
  waiting(): number
  /** Lets go of all who wait, and of everybody who comes later. */
  open(): void
}

/** Narrows a fault to some of the requests of a path. */
type Condition = (request: SeenRequest) => boolean

export interface Faults {
  /** The next `times` requests of `path` (and `when`, if given) suffer `fault`; `Infinity` until cleared. */
  add(path: string, fault: Fault, options?: { times?: number; when?: Condition }): void
  /** Requests of `path` wait, either before they are processed or with the processed answer in hand. */
  hold(path: string, stage?: 'before' | 'after', when?: Condition): Gate
  /** Forgets all faults and opens all gates. */
  clear(): void
}

interface Planned {
  readonly path: string
  readonly fault: Fault
  readonly when: Condition
  left: number
}

interface Hold {
  readonly path: string
  readonly stage: 'before' | 'after'
  readonly when: Condition
  readonly pass: () => Promise<void>
  readonly gate: Gate
}

/** Faults with the two questions that the server asks of them. */
export interface FaultPlan extends Faults {
  take(request: SeenRequest): Fault | undefined
  held(request: SeenRequest, stage: 'before' | 'after'): Hold | undefined
}

const always: Condition = () => true

export function createFaultPlan(): FaultPlan {
  let planned: Planned[] = []
  let holds: Hold[] = []
  return {
    add(path, fault, { times = 1, when = always } = {}) {
      planned.push({ path, fault, when, left: times })
    },
    hold(path, stage = 'before', when = always) {
      const { gate, pass } = createGate()
      const hold: Hold = { path, stage, when, pass, gate }
      holds.push(hold)
      return {
        ...gate,
        open() {
          holds = holds.filter((other) => other !== hold)
          gate.open()
        },
      }
    },
    clear() {
      planned = []
      for (const { gate } of holds) gate.open()
      holds = []
    },
    take(request) {
      const found = planned.find(({ path, when, left }) => left > 0 && path === request.path && when(request))
      if (found) found.left -= 1
      return found?.fault
    },
    held(request, stage) {
      return holds.find((hold) => hold.stage === stage && hold.path === request.path && hold.when(request))
    },
  }
}

function createGate(): { gate: Gate; pass: () => Promise<void> } {
  const arrived = withResolvers()
  const opened = withResolvers()
  let waiting = 0
  return {
    gate: { arrived: arrived.promise, waiting: () => waiting, open: opened.resolve },
    async pass() {
      waiting += 1
      arrived.resolve()
      await opened.promise
      waiting -= 1
    },
  }
}

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => {}
  const promise = new Promise<void>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}

/** An OAuth error answer (RFC 6749 §5.2). */
export function oauthError(status: number, error: string, description?: string): Fault {
  return {
    kind: 'answer',
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
    body: JSON.stringify({ error, ...(description === undefined ? {} : { error_description: description }) }),
  }
}

/** 503 as a proxy in front of a server would say it: an HTML page. */
export function unavailable(retryAfterSeconds?: number): Fault {
  return {
    kind: 'answer',
    status: 503,
    headers: {
      'content-type': 'text/html',
      ...(retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }),
    },
    body: '<!doctype html><title>503</title><h1>Service Unavailable</h1>',
  }
}

/** A redirect to `location`, wherever that is. */
export function redirectTo(location: string | URL, status = 302): Fault {
  return { kind: 'answer', status, headers: { location: String(location) } }
}

/** An HTML page where JSON is expected. */
export function htmlPage(status = 200): Fault {
  return {
    kind: 'answer',
    status,
    headers: { 'content-type': 'text/html' },
    body: '<!doctype html><title>Welcome</title><h1>Welcome</h1>',
  }
}

/** Sends endless text until the client goes away. */
export function sendEndlessly(res: ServerResponse, kind: 'flood' | 'trickle'): void {
  res.writeHead(200, { 'content-type': 'application/json' })
  res.write('{"endless":"')
  if (kind === 'trickle') {
    const timer = setInterval(() => res.write('x'), 50)
    res.once('close', () => clearInterval(timer))
    return
  }
  const block = 'x'.repeat(64 * 1024)
  const pump = (): void => {
    while (!res.destroyed && res.write(block));
  }
  res.on('drain', pump)
  pump()
}
