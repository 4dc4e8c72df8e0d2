import { connectControl } from '../../bridge/control/client.ts'
import { grantRecords } from '../../bridge/connections/records.ts'
import { bridgePaths } from '../../bridge/paths.ts'
import { chooseKeyStore } from '../../bridge/vault/key-store.ts'
import { openVault } from '../../bridge/vault/vault.ts'
import { approve } from '../support/browser.ts'
import { startMcpServer } from '../support/mcp-server.ts'
import { callRaw, failureCode } from '../support/raw-call.ts'
import { startStrictAuthorizationServer } from '../support/strict-authorization-server.ts'
import { createTemporaryHome } from '../support/temporary-home.ts'
import { startBridgeProcess, type BridgeProcess } from '../support/bridge-process.ts'

/** What became of the grant in one run. */
export type Outcome =
  /** The token on disk is the server's newest: the next start went on with it. */
  | 'kept'
  /** The server had moved on and its answer died with the process: the next start said so, and a new sign-in worked. */
  | 'lost in the kill, said so'
  /** Anything else is a defect, in words. */
  | { readonly defect: string }

const silent = { debug() {}, info() {}, warn() {}, error() {} }

/**
 * Kills a bridge with SIGKILL at random moments around a refresh, `runs` times, against a server that ends the whole family when a used
 * refresh token comes again. After each kill the vault is read and the next start is judged by what the protocol still allowed.
 */
export async function killDuringRotations(runs: number, random: () => number): Promise<Outcome[]> {
  const authorization = await startStrictAuthorizationServer()
  const { issuer, verify, state } = authorization
  const server = await startMcpServer({
    auth: { authorizationServers: [issuer], verify, challengeScopes: ['read:issues'] },
  })
  const home = await createTemporaryHome()
  const paths = bridgePaths({
    platform: process.platform,
    userHome: home.folder,
    user: 'test',
    home: home.bridge,
  })
  const control = connectControl(paths.socket)
  const id = 'issues' as never
  let bridge: BridgeProcess = await startBridgeProcess(home)

  const signIn = async (): Promise<void> => {
    for await (const event of await control.connections.signIn({ id, openBrowser: false })) {
      if (event.event === 'authorize') await approve(event.url)
      if (event.event === 'failed') throw new Error(`the sign-in failed: ${event.code}`)
    }
  }

  const tokenOnDisk = async (): Promise<string | undefined> => {
    const keyStore = chooseKeyStore({
      setting: 'key-file',
      home: paths.home,
      keyFile: paths.keyFile,
      env: {},
      keychainChild: '',
      log: silent,
    })
    const vault = await openVault({ file: paths.vault, keyStore, log: silent })
    const grant = vault.read(grantRecords, id)
    await vault.close()
    return grant?.refreshToken
  }

  const runOnce = async (): Promise<Outcome> => {
    const { url } = await control.connections.endpoint({ id, client: 'test' })
    authorization.expireAccessTokens()
    const usedBefore = server.record.calls.length
    const aimed = random() < 0.5
    const gate = aimed ? authorization.loopback.faults.hold('/token', 'after') : undefined
    const call = callRaw(url, 'whoami').then(
      ({ status }) => status,
      () => undefined,
    )
    if (gate) {
      // Half of the kills are aimed: the answer with the new token is on its way.
      await gate.arrived
      gate.open()
      await pause(random() * 30)
    } else {
      await pause(random() * 60)
    }
    await bridge.kill()
    authorization.loopback.faults.clear()
    const status = await call
    const usedNew = server.record.calls.length > usedBefore || status === 200

    const token = await tokenOnDisk()
    const known = token === undefined ? undefined : state.refreshTokens.get(token)
    bridge = await startBridgeProcess(home)
    if (!known) return { defect: 'the vault holds no refresh token of this server' }
    const spent = known.used || known.family.ended !== undefined
    if (spent && usedNew) return { defect: 'the new token was used before it was on disk' }
    const next = await callRaw((await control.connections.endpoint({ id, client: 'test' })).url, 'whoami')
    if (!spent) {
      return next.status === 200
        ? 'kept'
        : { defect: `a good token, and the next start answered ${next.status}` }
    }
    const { status: shown } = await control.connections.get({ id })
    const honest = failureCode(next) === 'oauth.refresh_rejected' && shown === 'sign-in-again'
    if (!honest) return { defect: `a spent token, and the next start said ${failureCode(next)} and ${shown}` }
    await signIn()
    return 'lost in the kill, said so'
  }

  try {
    await control.connections.add({ url: server.url.href, id: 'issues' })
    await signIn()
    const outcomes: Outcome[] = []
    for (let run = 0; run < runs; run += 1) outcomes.push(await runOnce())
    return outcomes
  } finally {
    await bridge.kill()
    await server.close()
    await authorization.close()
    await home.remove()
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** Random numbers that a printed seed brings back (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
