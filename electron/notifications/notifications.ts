import { Notification } from 'electron'
import type { BridgeEvent } from '../../shared/events.ts'
import { consequenceOf, type Notice, type Open } from './rules.ts'

/** Shows notifications and takes back those that are settled. */
export class Notifications {
  readonly #openPlace: (place: string) => void
  /** Kept, since one that is collected forgets what a click does. */
  readonly #shown = new Map<string, Notification>()
  #open: Open = new Map()

  constructor(openPlace: (place: string) => void) {
    this.#openPlace = openPlace
  }

  /** Tells of an event what there is to tell. */
  hear(event: BridgeEvent): void {
    const { open, show, withdraw } = consequenceOf(this.#open, event)
    this.#open = open
    for (const key of withdraw) this.#withdraw(key)
    for (const notice of show) this.show(notice)
  }

  show({ key, title, body, opens }: Notice): void {
    this.#withdraw(key)
    if (!Notification.isSupported()) return
    const notification = new Notification({ title, body })
    this.#shown.set(key, notification)
    notification.on('click', () => {
      this.#withdraw(key)
      this.#openPlace(opens)
    })
    notification.show()
  }

  close(): void {
    for (const key of this.#shown.keys()) this.#withdraw(key)
  }

  #withdraw(key: string): void {
    this.#shown.get(key)?.close()
    this.#shown.delete(key)
  }
}
