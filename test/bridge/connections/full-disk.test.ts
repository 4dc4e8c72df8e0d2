import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createConnections } from '../../../bridge/connections/connections.ts'
import { connectionRecords, grantRecords } from '../../../bridge/connections/records.ts'
import { callbackPath, createCallbacks } from '../../../bridge/oauth/callback.ts'
import { createGuardedFetch } from '../../../bridge/oauth/guarded-fetch.ts'
import { systemClock } from '../../../bridge/system-clock.ts'
import { chooseKeyStore } from '../../../bridge/vault/key-store.ts'
import type { RecordKind, Vault } from '../../../bridge/vault/record.ts'
import { openVault } from '../../../bridge/vault/vault.ts'
import { BridgeError } from '../../../shared/errors.ts'
import { Settings } from '../../../shared/settings.ts'
import { closing } from '../../end-to-end/scene.ts'
import { callbackFor, protectedBy } from '../../end-to-end/sign-in-setup.ts'
import { startStrictAuthorizationServer } from '../../support/strict-authorization-server.ts'
import { createTemporaryHome } from '../../support/temporary-home.ts'

const log = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

/** A real vault whose disk is full for the kinds of records named in `full`. */
async function openFillingVault(full: Set<RecordKind<unknown>>): Promise<Vault> {
  const home = await createTemporaryHome()
  const keyStore = chooseKeyStore({
    setting: 'key-file',
    home: home.bridge,
    keyFile: join(home.bridge, 'key'),
    env: {},
    keychainChild: join(home.folder, 'none'),
    log,
  })
  const vault = await openVault({ file: join(home.bridge, 'vault'), keyStore, log })
  closing({
    async close() {
      await vault.close()
      await home.remove()
    },
  })
  return {
    read: (kind, id) => vault.read(kind, id),
    ids: (kind) => vault.ids(kind),
    close: () => vault.close(),
    async write(...changes) {
      if (changes.some(({ kind }) => full.has(kind))) throw new BridgeError('vault.write_failed')
      await vault.write(...changes)
    },
  }
}

describe('a sign-in on a disk that is full', () => {
  it.each([
    ['the connection', connectionRecords],
    ['the grant', grantRecords],
  ])('for %s fails, holds nothing and leaves no token alive', async (_, kind) => {
    const authorization = closing(await startStrictAuthorizationServer())
    const server = await protectedBy(authorization)
    const full = new Set<RecordKind<unknown>>()
    const vault = await openFillingVault(full)
    const connections = createConnections({
      vault,
      clock: systemClock,
      log,
      callbacks: createCallbacks(),
      settings: () => Settings.parse({}),
      redirectUri: () => `http://127.0.0.1:1${callbackPath}`,
      fetchFor: (url) => createGuardedFetch({ server: url }),
      emit: () => undefined,
    })
    closing(connections)
    const connection = await connections.add({ url: server.url.href })
    const { page, done, deliver } = connection.signIn()
    full.add(kind)
    const address = await callbackFor((await page) as URL)
    await expect(deliver(address.href)).rejects.toMatchObject({ code: 'vault.write_failed' })
    await expect(done).rejects.toMatchObject({ code: 'vault.write_failed' })
    expect(connection.view).toMatchObject({ failure: { code: 'vault.write_failed' }, renews: false })
    await expect(Promise.resolve(connection.credentials())).rejects.toMatchObject({
      code: 'connection.signed_out',
    })
    expect(vault.read(grantRecords, connection.id)).toBeUndefined()
    const families = [...authorization.state.refreshTokens.values()].map(({ family }) => family.ended)
    expect(families).toEqual(['revoked'])
  })
})
