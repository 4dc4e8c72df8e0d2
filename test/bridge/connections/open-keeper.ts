import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { createGrantKeeper, type GrantKeeper } from '../../../bridge/connections/grant-keeper.ts'
import type { Grant } from '../../../bridge/oauth/grant.ts'
import { createGuardedFetch } from '../../../bridge/oauth/guarded-fetch.ts'
import type { Registrations } from '../../../bridge/oauth/sign-in.ts'
import { chooseKeyStore } from '../../../bridge/vault/key-store.ts'
import { openVault, type OpenVault } from '../../../bridge/vault/vault.ts'
import type { ConnectionId } from '../../../shared/connection.ts'
import type { Failure } from '../../../shared/errors.ts'
import { createTemporaryHome } from '../../support/temporary-home.ts'

export const keeperId = 'test' as ConnectionId

/** A keeper over a real vault, with time and timers in the test's hand. */
export interface KeeperUnderTest {
  readonly keeper: GrantKeeper
  readonly vault: OpenVault
  /** What the keeper told its owner. */
  readonly news: { type: 'renewed' | 'troubled' | 'lost'; failure?: Failure }[]
  time: number
  /** Runs every timer that is set, due or not: timers are early and clocks are set back. */
  readonly fireTimers: () => void
}

/** A grant of the authorization server at this origin, an hour long from time 0. */
export function grantFrom(origin: string, more: Partial<Grant> = {}): Grant {
  return {
    accessToken: 'first',
    refreshToken: 'refresh-first',
    scopes: [],
    askedScopes: [],
    obtainedAt: 0,
    expiresAt: 3_600_000,
    server: {
      issuer: origin,
      authorization_endpoint: `${origin}/authorize`,
      token_endpoint: `${origin}/token`,
    },
    registration: {
      issuer: origin,
      kind: 'dynamic',
      clientId: 'me',
      authMethod: 'none',
      redirectUri: 'http://127.0.0.1/',
    },
    ...more,
  }
}

/** Opens a keeper that holds nothing yet; all of it is closed after the test. */
export async function openKeeper(
  origin: string,
  registrations: Partial<Registrations> = {},
): Promise<KeeperUnderTest> {
  const home = await createTemporaryHome()
  const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
  const keyStore = chooseKeyStore({
    setting: 'key-file',
    home: home.bridge,
    keyFile: join(home.bridge, 'key'),
    env: {},
    keychainChild: join(home.folder, 'none'),
    log,
  })
  const vault = await openVault({ file: join(home.bridge, 'vault'), keyStore, log })
  const timers = new Set<() => void>()
  const news: KeeperUnderTest['news'] = []
  const result: KeeperUnderTest = {
    vault,
    news,
    time: 0,
    fireTimers() {
      for (const run of timers) {
        timers.delete(run)
        run()
      }
    },
    keeper: createGrantKeeper(
      keeperId,
      {
        vault,
        clock: {
          now: () => result.time,
          after(_ms, run) {
            timers.add(run)
            return () => void timers.delete(run)
          },
        },
        registrations: {
          find: () => undefined,
          save: async () => undefined,
          forget: async () => undefined,
          ...registrations,
        },
        fetch: () => createGuardedFetch({ server: new URL(origin) }),
      },
      {
        renewed: () => void news.push({ type: 'renewed' }),
        troubled: (failure) => void news.push({ type: 'troubled', failure }),
        lost: (failure) => void news.push({ type: 'lost', failure }),
      },
    ),
  }
  onTestFinished(async () => {
    await result.keeper.close()
    await vault.close()
    await home.remove()
  })
  return result
}
