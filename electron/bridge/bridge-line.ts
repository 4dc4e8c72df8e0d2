import { setTimeout as sleep } from 'node:timers/promises'
import { connectControl, isListening, type ControlClient } from '../../bridge/control/client.ts'
import type { Paths } from '../../bridge/paths.ts'
import { BridgeError, toFailure, type Failure } from '../../shared/errors.ts'
import type { BridgeEvent, StartEvent } from '../../shared/events.ts'
import { contentsAfter, nothingYet, type BridgeContents, type BridgeState } from './bridge-state.ts'
import type { BridgeProcess } from './bridge-process.ts'

/** How long a lost bridge is left alone until the next try, in milliseconds: at first, and at most. */
const firstPause = 250
const longestPause = 30_000
/** From how long a bridge must have run for its end to be no sign that the next one will end too, in milliseconds. */
const steadyAfter = 60_000
/** How long a running bridge may take to answer at all, in milliseconds: one that starts may wait for the keychain. */
const answerLimit = 30_000
/** How long our own bridge may take to end, in milliseconds: a renewal under way has its time in it. */
const endLimit = 12_000

export interface BridgeLineOptions {
  readonly paths: Pick<Paths, 'socket'>
  /** Our version: a bridge of another one is told of. */
  readonly version: string
  readonly start: () => BridgeProcess
}

/** What the line tells. */
export interface BridgeLineListener {
  /** The state of the bridge or of its connections changed. */
  changed(): void
  happened(event: BridgeEvent): void
}

/**
 * The line to the one bridge: it joins the one that runs or starts one, follows what happens, and does so again when the bridge is gone,
 * with growing pauses. A bridge that somebody else started is never stopped.
 */
export class BridgeLine {
  readonly control: ControlClient
  readonly #options: BridgeLineOptions
  readonly #listener: BridgeLineListener
  readonly #closing = new AbortController()
  #state: BridgeState = { is: 'starting' }
  #contents: BridgeContents = nothingYet
  #own: BridgeProcess | undefined
  #hurry = new AbortController()
  readonly #kept: Promise<void>

  constructor(options: BridgeLineOptions, listener: BridgeLineListener) {
    this.#options = options
    this.#listener = listener
    this.control = connectControl(options.paths.socket)
    this.#kept = this.#keep()
  }

  get state(): BridgeState {
    return this.#state
  }

  /** As the last bridge had it; what is shown of it while none runs is the viewer's matter. */
  get contents(): BridgeContents {
    return this.#contents
  }

  /** Does not wait for the pause to end. */
  tryAgain(): void {
    this.#hurry.abort()
  }

  /** Lets go of the bridge, and ends it in order where it is ours. Resolves when it is gone. */
  async close(): Promise<void> {
    this.#closing.abort()
    this.tryAgain()
    const own = this.#own
    if (own) {
      const limit = sleep(endLimit, undefined, { ref: false })
      // One that still starts does not answer yet.
      if (this.#state.is !== 'running') own.kill()
      else this.control.bridge.stop({}, { signal: AbortSignal.timeout(endLimit) }).catch(() => own.kill())
      await Promise.race([own.gone, limit])
      own.kill()
    }
    await this.#kept
  }

  async #keep(): Promise<void> {
    const { signal } = this.#closing
    let pause = firstPause
    for (;;) {
      const began = performance.now()
      const failure = await this.#once().then(
        (): Failure => ({ code: 'bridge.unreachable' }),
        (thrown: unknown) => toFailure(thrown),
      )
      if (signal.aborted) return
      if (performance.now() - began > steadyAfter) pause = firstPause
      this.#say({ is: 'lost', failure })
      this.#hurry = new AbortController()
      await sleep(pause, undefined, { signal: this.#hurry.signal }).catch(() => undefined)
      if (signal.aborted) return
      pause = Math.min(pause * 2, longestPause)
    }
  }

  /** One bridge from its start to its end. Resolves when it is gone, and rejects when there was none. */
  async #once(): Promise<void> {
    const { signal } = this.#closing
    if (!(await isListening(this.#options.paths.socket))) await this.#start()
    if (signal.aborted) return
    const events = await this.#listen()
    for await (const event of events) {
      this.#contents = contentsAfter(this.#contents, event)
      this.#listener.happened(event)
      this.#listener.changed()
    }
  }

  /** Hears the bridge's events, reads how everything is, and says so. */
  async #listen(): Promise<AsyncIterable<BridgeEvent>> {
    const late = new AbortController()
    const limit = setTimeout(() => late.abort(new BridgeError('bridge.unreachable')), answerLimit)
    const until = { signal: AbortSignal.any([this.#closing.signal, late.signal]) }
    try {
      const events = await this.control.events({}, until)
      // Read after the events are heard, so that nothing falls between the two.
      const { version } = await this.control.bridge.status({}, until)
      this.#contents = await this.#read(until)
      const isOther = version !== this.#options.version
      this.#say({
        is: 'running',
        isOwn: this.#own !== undefined,
        ...(isOther ? { otherVersion: version } : {}),
      })
      return events
    } finally {
      clearTimeout(limit)
    }
  }

  async #read(until: { signal: AbortSignal }): Promise<BridgeContents> {
    const [connections, waiting] = await Promise.all([
      this.control.connections.list({}, until),
      this.control.approvals.list({}, until),
    ])
    return { connections, approvals: new Set(waiting.map(({ id }) => id)) }
  }

  /** Starts a bridge, unless another one is faster. */
  async #start(): Promise<void> {
    const started = this.#options.start()
    this.#own = started
    void started.gone.then(() => {
      if (this.#own === started) this.#own = undefined
    })
    let event: StartEvent
    try {
      event = await started.started
    } catch (thrown) {
      started.kill()
      throw thrown
    }
    if (event.event === 'failed') throw new BridgeError(event.code, event.detail)
    if (event.event === 'already-running') this.#own = undefined
  }

  #say(state: BridgeState): void {
    this.#state = state
    this.#listener.changed()
  }
}
