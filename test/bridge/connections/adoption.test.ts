import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createGrantKeeper, type GrantKeeper } from '../../../bridge/connections/grant-keeper.ts'
import { grantRecords } from '../../../bridge/connections/records.ts'
import type { Grant } from '../../../bridge/oauth/grant.ts'
import { createGuardedFetch } from '../../../bridge/oauth/guarded-fetch.ts'
import { chooseKeyStore } from '../../../bridge/vault/key-store.ts'
import type { Vault } from '../../../bridge/vault/record.ts'
import { openVault } from '../../../bridge/vault/vault.ts'
import { createTemporaryHome } from '../../support/temporary-home.ts'
import { grantFrom, keeperId } from './open-keeper.ts'

const id = keeperId
const issuer = 'https://as.example'

const grantOf = (accessToken: string): Grant => grantFrom(issuer, { accessToken })

/** A keeper over a real vault. `written` is called when a write is on disk and before the keeper hears of it. */
async function openKeeper(): Promise<{ keeper: GrantKeeper; vault: Vault; hooks: { written(): void } }> {
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
  onTestFinished(async () => {
    await vault.close()
    await home.remove()
  })
  const hooks = { written: (): void => undefined }
  const watched: Vault = {
    read: (kind, name) => vault.read(kind, name),
    ids: (kind) => vault.ids(kind),
    close: () => vault.close(),
    async write(...changes) {
      await vault.write(...changes)
      hooks.written()
    },
  }
  const keeper = createGrantKeeper(
    id,
    {
      vault: watched,
      clock: { now: () => 0, after: () => () => undefined },
      registrations: { find: () => undefined, save: async () => undefined, forget: async () => undefined },
      fetch: () => createGuardedFetch({ server: new URL(issuer) }),
    },
    { renewed: () => undefined, troubled: () => undefined, lost: () => undefined },
  )
  return { keeper, vault, hooks }
}

const always = (): boolean => true

describe("a new sign-in's grant", () => {
  it('is on disk before anybody can use it', async () => {
    const { keeper, vault, hooks } = await openKeeper()
    const seen: unknown[] = []
    hooks.written = () => seen.push(vault.read(grantRecords, id)?.accessToken, keeper.current())
    const credentials = await keeper.adopt(grantOf('new'), always)
    expect(seen).toEqual(['new', undefined])
    expect(keeper.current()).toBe(credentials)
    expect(credentials.headers).toEqual({ authorization: 'Bearer new' })
  })

  it('that is not wanted any more is neither stored nor used', async () => {
    const { keeper, vault } = await openKeeper()
    await expect(keeper.adopt(grantOf('new'), () => false)).rejects.toMatchObject({ code: 'oauth.cancelled' })
    expect([vault.read(grantRecords, id), keeper.current()]).toEqual([undefined, undefined])
  })

  it('that is cancelled while it is written leaves what was held before', async () => {
    const { keeper, vault, hooks } = await openKeeper()
    const before = await keeper.adopt(grantOf('old'), always)
    let isWanted = true
    hooks.written = () => (isWanted = false)
    const adopting = keeper.adopt(grantOf('new'), () => isWanted)
    await expect(adopting).rejects.toMatchObject({ code: 'oauth.cancelled' })
    expect(vault.read(grantRecords, id)?.accessToken).toBe('old')
    expect(keeper.current()).toBe(before)
  })

  it('is not brought to life by a revocation that comes while it is written', async () => {
    const { keeper, vault, hooks } = await openKeeper()
    let isWanted = true
    let retiring: Promise<Grant | undefined> | undefined
    hooks.written = () => {
      isWanted = false
      retiring ??= keeper.retire()
    }
    const adopting = keeper.adopt(grantOf('new'), () => isWanted)
    await expect(adopting).rejects.toMatchObject({ code: 'oauth.cancelled' })
    expect(await retiring).toBeUndefined()
    expect([vault.read(grantRecords, id), keeper.current()]).toEqual([undefined, undefined])
  })
})
