import type { Failure } from '../../shared/errors.ts'
import type { Channel, ChannelClient } from '../channel/channel.ts'
import type { Upstream } from '../connections/upstream.ts'
import type { Era } from '../translation/era.ts'
import { HostedSession } from './hosted-session.ts'
import { SharedChannel } from './shared-channel.ts'

/** Whose requests, and for which connection; all of them where none is named. */
interface Place {
  readonly client: string
  readonly connection: string | undefined
}

/** What hosting needs from the bridge around it. */
export interface HostedOptions {
  readonly upstreams: { get(connection: string): Pick<Upstream, 'ended'> | undefined }
  /** Opens what stands behind a client at one connection, or at all of them where none is named. */
  readonly open: (connection: string | undefined, client: ChannelClient) => Channel | Failure
  /** How long a session lives that nobody uses, in milliseconds, and how long what requests without a session share. */
  readonly sessionMs: number
  readonly sharedMs: number
  readonly now: () => number
}

/** All that is kept between requests: sessions, and the channels that requests without a session share. */
export interface Hosted {
  /** The session with this id, if it is one of this client app at this place. */
  session(id: unknown, place: Place): HostedSession | undefined
  /** A session for a client that begins one. */
  create(place: Place): HostedSession | Failure
  /** What the requests of an era without a session go to. */
  shared(era: Era, place: Place): SharedChannel | Failure
  /** Ends what nobody has used for long. */
  sweep(): void
  /** Ends everything, or what `only` picks. */
  end(failure: Failure, only?: (place: Place) => boolean): void
  readonly size: number
}

/** Something that is kept, and when it was last used. */
interface Kept<T> {
  readonly it: T
  readonly place: Place
  usedAt: number
}

/** How many sessions one client app may have. */
const mostSessions = 256

/** Begins with nothing. */
export function createHosted({ upstreams, open, sessionMs, sharedMs, now }: HostedOptions): Hosted {
  const sessions = new Map<string, Kept<HostedSession>>()
  const channels = new Map<string, Kept<SharedChannel>>()
  const watched = new WeakSet<AbortSignal>()

  const isIdle = ({ it, usedAt }: Kept<HostedSession | SharedChannel>, ms: number): boolean =>
    !it.isInUse && now() - usedAt > ms

  /** A connection that is signed out is still served, as far as it is known. One that was removed is not. */
  function watch(connection: string): void {
    const access = upstreams.get(connection)?.ended
    if (!access || watched.has(access)) return
    watched.add(access)
    access.addEventListener('abort', () => {
      if (upstreams.get(connection)) watch(connection)
      else end({ code: 'connection.ended' }, (place) => place.connection === connection)
    })
  }

  /** Makes room where a client app has as many sessions as it may; false when all of them are in use. */
  function makeRoom(client: string): boolean {
    const own = [...sessions.values()].filter(({ place }) => place.client === client)
    if (own.length < mostSessions) return true
    const [oldest] = own.filter(({ it }) => !it.isInUse).toSorted((one, other) => one.usedAt - other.usedAt)
    oldest?.it.end({ code: 'gateway.session_unknown' })
    return oldest !== undefined
  }

  function end(failure: Failure, only: (place: Place) => boolean = () => true): void {
    for (const { it, place } of sessions.values()) if (only(place)) it.end(failure)
    for (const [key, { it, place }] of channels) {
      if (!only(place)) continue
      channels.delete(key)
      it.end(failure)
    }
  }

  return {
    get size() {
      return sessions.size + channels.size
    },
    session(id, { client, connection }) {
      const kept = typeof id === 'string' ? sessions.get(id) : undefined
      if (!kept || kept.place.client !== client || kept.place.connection !== connection) return undefined
      kept.usedAt = now()
      return kept.it
    },
    create(place) {
      const { client, connection } = place
      if (!makeRoom(client)) return { code: 'gateway.too_many_calls', detail: `${mostSessions} sessions` }
      const left = ({ id }: HostedSession): void => void sessions.delete(id)
      const session = new HostedSession({ client, open: (as) => open(connection, as), left })
      sessions.set(session.id, { it: session, place, usedAt: now() })
      if (connection !== undefined) watch(connection)
      return session
    },
    shared(era, place) {
      const { client, connection } = place
      const key = JSON.stringify([era, client, connection])
      const known = channels.get(key)
      if (known) {
        known.usedAt = now()
        return known.it
      }
      const channel = new SharedChannel(client)
      const failure = channel.open((as) => open(connection, as))
      if (failure) return failure
      channels.set(key, { it: channel, place, usedAt: now() })
      if (connection !== undefined) watch(connection)
      return channel
    },
    sweep() {
      for (const kept of sessions.values()) {
        if (kept.it.isInUse) kept.usedAt = now()
        else if (isIdle(kept, sessionMs)) kept.it.end({ code: 'gateway.session_unknown' })
      }
      for (const [key, kept] of channels) {
        if (kept.it.isInUse) kept.usedAt = now()
        else if (isIdle(kept, sharedMs)) {
          channels.delete(key)
          kept.it.end({ code: 'bridge.busy' })
        }
      }
    },
    end,
  }
}
