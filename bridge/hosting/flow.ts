import type { Channel } from '../channel/channel.ts'

/** Lets a channel rest for as long as one of its readers does not keep up. */
export class Flow {
  readonly #channel: Pick<Channel, 'pause' | 'resume'>
  #blocked = 0

  constructor(channel: Pick<Channel, 'pause' | 'resume'>) {
    this.#channel = channel
  }

  block(): void {
    if (this.#blocked++ === 0) this.#channel.pause()
  }

  unblock(): void {
    if (--this.#blocked === 0) this.#channel.resume()
  }
}
