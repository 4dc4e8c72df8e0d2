import { BridgeError, type Failure } from '../../shared/errors.ts'
import { Secret } from '../secret.ts'
import { isRecord } from './formats/format.ts'
import { filledIn, headersOfFile, isKnownOption, type McpRemoteLine } from './mcp-remote.ts'
import { isPlaceholder, isSecretName } from './plain-secrets.ts'

/** How a connection made from an entry would prove itself to its server. */
export interface Proof {
  readonly auth: 'sign-in' | 'bearer' | 'headers'
  readonly bearer?: Secret
  readonly headers?: readonly { readonly name: string; readonly value: Secret }[]
  readonly clientId?: string
  readonly clientSecret?: Secret
  readonly metadataUrl?: string
  readonly scopes?: readonly string[]
  /** Headers whose values the app fills in from elsewhere: they are to be asked for. */
  readonly needs: readonly string[]
}

/** A proof, with what is not carried over or stands in the way. */
export interface ProofFound {
  readonly proof: Proof
  readonly notes: readonly string[]
  readonly failure?: Failure
}

/** The proof that headers make: a bearer token, headers as they are, or none, so that the person signs in. */
export function proofOfHeaders(headers: ReadonlyMap<string, string>): {
  proof: Proof
  notes: readonly string[]
} {
  const proving = [...headers].filter(([name]) => isProving(name))
  const others = [...headers.keys()].filter((name) => !isProving(name))
  if (proving.length === 0) {
    const notes = others.map((name) => `The header ${name} is not sent any more.`)
    return { proof: { auth: 'sign-in', needs: [] }, notes }
  }
  const needs = proving.filter(([, value]) => isPlaceholder(value)).map(([name]) => name)
  const [only, ...more] = [...headers]
  const bearer = /^bearer\s+(\S+)$/i.exec(only?.[1] ?? '')?.[1]
  if (only && more.length === 0 && /^authorization$/i.test(only[0]) && bearer !== undefined) {
    return {
      proof: { auth: 'bearer', needs, ...(needs.length > 0 ? {} : { bearer: new Secret(bearer) }) },
      notes: [],
    }
  }
  const known = [...headers].filter(([, value]) => !isPlaceholder(value))
  return {
    proof: {
      auth: 'headers',
      needs,
      headers: known.map(([name, value]) => ({ name, value: new Secret(value) })),
    },
    notes: [],
  }
}

/** The proof that a command line of `mcp-remote` makes, all of its options considered. */
export function proofOfLine(
  line: McpRemoteLine,
  env: ReadonlyMap<string, string>,
  texts: (path: string) => string | undefined,
): ProofFound {
  const notes: string[] = []
  const headers = new Map<string, string>()
  for (const path of line.headerFiles) {
    const text = texts(path)
    if (text === undefined) notes.push('The file with its headers cannot be read.')
    for (const [name, value] of headersOfFile(text ?? '')) headers.set(name, filledIn(value, env))
  }
  for (const [name, value] of line.headers) headers.set(name, filledIn(value, env))
  notes.push(...lostOptions(line))
  const failure = hindrance(line)
  const found = proofOfHeaders(headers)
  if (found.proof.auth !== 'sign-in') {
    return { proof: found.proof, notes: [...notes, ...found.notes], ...(failure ? { failure } : {}) }
  }
  const client = objectOf(line.options.get('static-oauth-client-info')?.[0], env, texts)
  const metadata = objectOf(line.options.get('static-oauth-client-metadata')?.[0], env, texts)
  const metadataUrl = line.options.get('client-metadata-url')?.[0]
  const { client_id: clientId, client_secret: clientSecret } = client ?? {}
  const scope = metadata?.['scope']
  if (client === null || metadata === null) notes.push('Its client information cannot be read.')
  if (typeof clientSecret === 'string' && isPlaceholder(clientSecret)) {
    notes.push('Its client secret comes from outside the file.')
  }
  const proof: Proof = {
    ...found.proof,
    ...(typeof clientId === 'string' ? { clientId } : {}),
    ...(typeof clientSecret === 'string' && !isPlaceholder(clientSecret)
      ? { clientSecret: new Secret(clientSecret) }
      : {}),
    ...(metadataUrl === undefined ? {} : { metadataUrl }),
    ...(typeof scope === 'string' && scope.trim() !== '' ? { scopes: scope.trim().split(/\s+/) } : {}),
  }
  return { proof, notes: [...notes, ...found.notes], ...(failure ? { failure } : {}) }
}

/** Options that matter to the server and have no counterpart; those of its callback, its logs and its waiting do not. */
const lost: Readonly<Record<string, string>> = {
  resource: 'The resource is taken from the metadata of the server, not from --resource.',
  'disable-resource-parameter': 'The resource is sent unless the server refuses it.',
  'authorize-param': 'The parameters of --authorize-param are not sent.',
  'device-code': 'The sign-in happens in a browser, not with a device code.',
  'enable-proxy': 'The proxy of --enable-proxy is not used.',
}

function lostOptions({ options }: McpRemoteLine): readonly string[] {
  return [...options.keys()].flatMap((name) => {
    const note = lost[name]
    if (note !== undefined) return [note]
    return isKnownOption(name) ? [] : [`The option --${name.slice(0, 40)} is not known.`]
  })
}

function hindrance({ options }: McpRemoteLine): Failure | undefined {
  if (options.has('client-credentials')) {
    return new BridgeError('clients.not_importable', 'it signs in with client credentials').toFailure()
  }
  if (options.has('use-id-token')) {
    return new BridgeError(
      'clients.not_importable',
      'it sends an ID token in place of an access token',
    ).toFailure()
  }
  return undefined
}

function isProving(name: string): boolean {
  return isSecretName(name) || /(^|[-_])(key|auth)([-_]|$)/i.test(name)
}

/** A JSON object given in words or as `@file`; null when it cannot be read. */
function objectOf(
  given: string | undefined,
  env: ReadonlyMap<string, string>,
  texts: (path: string) => string | undefined,
): Record<string, unknown> | null | undefined {
  if (given === undefined) return undefined
  const text = given.startsWith('@') ? texts(given.slice(1)) : given
  try {
    const value: unknown = JSON.parse(filledIn(text ?? '', env))
    return isRecord(value) ? value : null
  } catch {
    return null
  }
}
