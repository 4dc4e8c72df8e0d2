import { z } from 'zod'
import type { ChannelClient, Json } from '../channel/channel.ts'
import { HeldListens, listChanged } from './held-listens.ts'
import { listNames, type ListName } from './knowledge.ts'

export const ShowingState = z.strictObject({
  lists: z.array(z.tuple([z.enum(listNames), z.string()])),
  isUnknown: z.boolean(),
  isPromised: z.boolean(),
  isOfSession: z.boolean(),
})
type ShowingState = z.infer<typeof ShowingState>

/** What one client was shown from memory, and how it hears that this is not how things are any more. */
export class Showing {
  /** Its subscriptions that were held open here. */
  readonly listens = new HeldListens()
  readonly #client: ChannelClient
  /** The lists, by the digests of what they were; of an unknown one it is empty. */
  readonly #lists = new Map<ListName, string>()
  #isUnknown = false
  #isPromised = false
  #isOfSession = false

  constructor(client: ChannelClient) {
    this.#client = client
  }

  /** Whether a server of which nothing was known was said to have every list. */
  get isPromised(): boolean {
    return this.#isPromised
  }

  /** A client of the older era begins. It hears of changes without asking for that. */
  begin(): void {
    this.#lists.clear()
    this.#isUnknown = false
    this.#isPromised = false
    this.#isOfSession = true
  }

  /** The client was shown the server itself, or one of which nothing is known. */
  showServer(isKnown: boolean): void {
    this.#isUnknown ||= !isKnown
    this.#isPromised ||= !isKnown
  }

  showList(name: ListName, digest: string | undefined): void {
    this.#lists.set(name, digest ?? '')
  }

  /** The client has the list of the server itself. */
  showLive(name: ListName): void {
    this.#lists.delete(name)
  }

  /** The server is there: a client that was shown nothing hears that there is something now. What it was shown of old is told when the new is known. */
  announce(): void {
    if (!this.#isUnknown) return
    this.#isUnknown = false
    for (const name of ['tools', 'prompts', 'resources'] as const) this.#tell(name)
  }

  /** A list was learned. */
  learned(name: ListName, digest: string): void {
    const shown = this.#lists.get(name)
    if (shown !== undefined && shown !== digest) this.#tell(name)
  }

  toJson(): Json {
    return {
      lists: [...this.#lists],
      isUnknown: this.#isUnknown,
      isPromised: this.#isPromised,
      isOfSession: this.#isOfSession,
    }
  }

  restore({ lists, isUnknown, isPromised, isOfSession }: ShowingState): void {
    for (const [name, digest] of lists) this.#lists.set(name, digest)
    this.#isUnknown = isUnknown
    this.#isPromised = isPromised
    this.#isOfSession = isOfSession
  }

  #tell(name: ListName): void {
    this.#lists.delete(name)
    if (this.#isOfSession) this.#client.pass(listChanged(name))
    for (const { request, notice } of this.listens.noticesOf(name)) this.#client.pass(notice, request)
  }
}
