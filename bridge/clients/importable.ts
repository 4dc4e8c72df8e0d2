import type { ClientAppId, ClientImport } from '../../shared/client-app.ts'
import type { ConnectionId } from '../../shared/connection.ts'
import { BridgeError, type Failure, toFailure } from '../../shared/errors.ts'
import type { AddConnection } from '../../shared/control.ts'
import type { Secret } from '../secret.ts'
import type { ClientApp } from './app.ts'
import { connectionIds } from './connection-ids.ts'
import { readServers, type ServerEntry } from './entries.ts'
import type { Machine } from './machine.ts'
import { mcpAuthFiles, mcpAuthFolder, type McpAuthRecord, mcpAuthRecords } from './mcp-auth.ts'
import { mcpRemoteLineOf, storedNamesOf } from './mcp-remote.ts'
import type { OwnEntries } from './own-entries.ts'
import { type Proof, proofOfHeaders, proofOfLine } from './proof.ts'

/** A settings file of a client app, read. */
export interface AppFile {
  readonly app: ClientApp
  readonly path: string
  readonly text: string
}

/** What is looked through for servers to take over. */
export interface ImportSources {
  readonly files: readonly AppFile[]
  readonly own: OwnEntries
  readonly machine: Machine
  /** The content of another file: headers and client information that entries name, and tokens of `mcp-remote`. */
  readonly texts: (path: string) => string | undefined
  readonly connections: readonly { readonly id: ConnectionId; readonly url: string }[]
}

/** The connection that an entry would become. Every secret is wrapped. */
export interface Proposal extends Proof {
  readonly id: ConnectionId
  readonly url: string
  /** The connection is there already, with the same address. */
  readonly exists: boolean
}

/** A server of a client app that could become a connection, or the reason why it cannot. */
export interface Importable {
  readonly app: ClientAppId
  readonly path: string
  readonly entry: ServerEntry
  readonly as: 'remote' | 'mcp-remote' | 'package'
  readonly outcome: Proposal | Failure
  /** Patterns of tools that the entry hides from the app. */
  readonly denyTools: readonly string[]
  /** What of the entry is not carried over, in words. */
  readonly notes: readonly string[]
  /** What `mcp-remote` has stored for this server. */
  readonly stored: readonly McpAuthRecord[]
}

/** Everything that could be taken over, and what lies around besides. */
export interface ImportFindings {
  readonly importable: readonly Importable[]
  /** Stored by `mcp-remote` for servers that no entry names any more. */
  readonly leftOver: readonly McpAuthRecord[]
  readonly unreadable: readonly { readonly path: string; readonly failure: Failure }[]
}

/** Looks through the settings files of client apps and through `~/.mcp-auth`. It changes nothing. */
export function findImportable(sources: ImportSources): ImportFindings {
  const unreadable: { path: string; failure: Failure }[] = []
  const idFor = connectionIds(sources.connections)
  const records = new Map<string, readonly McpAuthRecord[]>()
  const recordsIn = (folder: string): readonly McpAuthRecord[] => {
    const known = records.get(folder) ?? mcpAuthRecords(mcpAuthFiles(sources.machine, folder), sources.texts)
    records.set(folder, known)
    return known
  }
  recordsIn(mcpAuthFolder(sources.machine))

  const importable = sources.files.flatMap(({ app, path, text }) => {
    try {
      return readServers(app, text, sources.own).flatMap((entry): readonly Importable[] => {
        const found = lookAt(entry, sources, recordsIn)
        if (!found) return []
        const { outcome, ...rest } = found
        const proposal = 'code' in outcome ? outcome : { ...outcome, ...idFor(entry.name, outcome) }
        return [{ app: app.id, path, entry, outcome: proposal, ...rest }]
      })
    } catch (thrown) {
      unreadable.push({ path, failure: toFailure(thrown) })
      return []
    }
  })
  const claimed = new Set(importable.flatMap(({ stored }) => stored.map((record) => record.stored)))
  const leftOver = [...records.values()].flat().filter(({ stored }) => !claimed.has(stored))
  return { importable, leftOver, unreadable }
}

/**
 * What the bridge is asked to add for a proposal, secrets included: it goes straight to the bridge and nowhere else. `values` are
 * those of the headers that it needs, by name. Throws `clients.value_missing`.
 */
export function connectionOf(
  proposal: Proposal,
  values: ReadonlyMap<string, Secret> = new Map(),
): AddConnection {
  const { id, url, auth, headers = [], needs, clientId, clientSecret, metadataUrl, scopes } = proposal
  const given = needs.map((name) => {
    const value = values.get(name)
    if (!value) throw new BridgeError('clients.value_missing', name)
    return { name, value }
  })
  const bearer = proposal.bearer ?? given[0]?.value
  const sent = [...headers, ...given].map(({ name, value }) => ({ name, value: value.reveal() }))
  return {
    id,
    url,
    ...(auth === 'bearer' && bearer ? { bearer: bearer.reveal() } : {}),
    ...(auth === 'headers' ? { headers: sent } : {}),
    ...(clientId === undefined ? {} : { clientId }),
    ...(clientSecret ? { clientSecret: clientSecret.reveal() } : {}),
    ...(metadataUrl === undefined ? {} : { metadataUrl }),
    ...(scopes ? { scopes: [...scopes] } : {}),
  }
}

/** What could be taken over, as faces see it. */
export function viewImportable(item: Importable): ClientImport {
  const { app, path, entry, as, outcome, denyTools, notes, stored } = item
  const proposal = 'code' in outcome ? undefined : outcome
  return {
    app,
    path,
    name: entry.name,
    as,
    ...(entry.address === undefined ? {} : { address: entry.address }),
    ...(proposal ? { connection: proposal.id } : {}),
    exists: proposal?.exists ?? false,
    auth: proposal?.auth ?? 'sign-in',
    needs: [...(proposal?.needs ?? [])],
    denyTools: [...denyTools],
    notes: [...notes],
    plainSecrets: entry.secrets.map(({ where }) => where),
    tokenFiles: stored.flatMap(({ files }) => files.map((file) => file.path)),
    ...('code' in outcome ? { failure: outcome } : {}),
  }
}

type Found = Omit<Importable, 'app' | 'path' | 'entry' | 'outcome'> & {
  readonly outcome: (Proof & { readonly url: string }) | Failure
}

function lookAt(
  { serves, enabled }: ServerEntry,
  sources: ImportSources,
  recordsIn: (folder: string) => readonly McpAuthRecord[],
): Found | undefined {
  const off = enabled ? [] : ['It is switched off in the app.']
  if (serves.kind === 'remote') {
    const url = serves.url.reveal()
    const { proof, notes } = proofOfHeaders(revealed(serves.headers))
    // A server of this machine is worth taking over for the sake of a token alone.
    if (isLoopback(url) && proof.auth === 'sign-in') return undefined
    const outcome = refused(url) ?? { ...proof, url }
    return { as: 'remote', outcome, denyTools: [], notes: [...off, ...notes], stored: [] }
  }
  if (serves.kind !== 'wrapper') return undefined
  const as = serves.package === 'mcp-remote' ? 'mcp-remote' : 'package'
  const line = mcpRemoteLineOf(serves.args.map((arg) => arg.reveal()))
  if (!line) {
    const detail = `its address is not in the entry, only ${serves.package} knows it`
    const outcome = new BridgeError('clients.not_importable', detail).toFailure()
    return { as, outcome, denyTools: [], notes: off, stored: [] }
  }
  if (sources.own.byAddress(line.url)) return undefined
  const env = revealed(serves.env)
  const names = storedNamesOf(line, env)
  const folder = mcpAuthFolder(sources.machine, env.get('MCP_REMOTE_CONFIG_DIR'))
  const { proof, notes, failure } = proofOfLine(line, env, sources.texts)
  return {
    as,
    outcome: failure ?? refused(line.url) ?? { ...proof, url: line.url },
    denyTools: line.options.get('ignore-tool') ?? [],
    notes: [...off, ...notes],
    stored: recordsIn(folder).filter(({ stored }) => names.includes(stored)),
  }
}

function revealed(values: ReadonlyMap<string, Secret>): ReadonlyMap<string, string> {
  return new Map([...values].map(([name, value]) => [name, value.reveal()]))
}

function refused(address: string): Failure | undefined {
  if (!URL.canParse(address)) return { code: 'url.invalid' }
  const url = new URL(address)
  if (url.username !== '' || url.password !== '') return { code: 'url.credentials' }
  if (url.protocol === 'http:') return isLoopback(address) ? undefined : { code: 'url.plain_http' }
  return url.protocol === 'https:' ? undefined : { code: 'url.not_http' }
}

function isLoopback(address: string): boolean {
  if (!URL.canParse(address)) return false
  return /^(localhost|127(\.\d+){3}|\[::1\])$|\.localhost$/.test(new URL(address).hostname)
}
