import type { Connection, Look } from '../../../shared/connection.ts'
import { BridgeError } from '../../../shared/errors.ts'
import { failureLines, nextCommand } from '../describe.ts'
import type { Face } from '../face.ts'
import { parseHeader, parseScopes } from '../parse.ts'
import { readSecret } from '../read-secret.ts'
import { text, type Text } from '../text.ts'

/** The options of `add` as typed. */
export interface AddOptions {
  readonly id?: string
  readonly clientId?: string
  readonly clientSecretStdin?: true
  readonly metadataUrl?: string
  readonly scope?: string[]
  readonly header?: string[]
  readonly bearerStdin?: true
  readonly allowMissingPkce?: true
}

/** Adds a connection and says what its server will ask for. */
export async function add(face: Face, url: string, options: AddOptions): Promise<void> {
  if (options.clientSecretStdin && options.bearerStdin) {
    throw new BridgeError('connection.options_conflict', 'stdin holds one secret')
  }
  const request = {
    url,
    id: options.id,
    clientId: options.clientId,
    metadataUrl: options.metadataUrl,
    scopes: parseScopes(options.scope),
    headers: options.header?.map(parseHeader),
    allowMissingPkce: options.allowMissingPkce,
    clientSecret: options.clientSecretStdin && (await secretFrom(face, 'Client secret')),
    bearer: options.bearerStdin && (await secretFrom(face, 'Bearer token')),
  }
  const control = await face.control()
  const { connection, look } = await control.connections.add(request)
  face.terminal.answer({ connection, ...(look ? { look } : {}) }, () => [
    text`Added ${connection.id} (${connection.url})`,
    ...lookLines(connection, look),
  ])
}

async function secretFrom({ stdin, terminal }: Face, name: string): Promise<string> {
  return readSecret(stdin, () => terminal.note(text`${name}, then Enter (it is not shown):`))
}

function lookLines(connection: Connection, look: Look | undefined): Text[] {
  if (connection.auth === 'bearer' || connection.auth === 'headers') {
    return [text`  It uses your own key and is ready.`]
  }
  const next = nextCommand(connection)
  const nextLine = next ? [text`Next: ${next}`] : []
  if (!look) return nextLine
  if (look.failure) return [...failureLines(look.failure), ...nextLine]
  if (look.asks === 'none') return [text`  It asks for no sign-in.`, ...nextLine]
  return [
    text`  signs in at   ${look.issuer ?? look.issuers.join(', ')}`,
    text`  scopes        ${look.scopes.join(' ') || 'the server does not say'}`,
    ...registrationLines(connection, look),
    ...(look.pkce === false ? failureLines({ code: 'oauth.pkce_unsupported' }) : []),
    ...(look.registration === 'ask' ? [] : nextLine),
  ]
}

function registrationLines({ id, url }: Connection, { registration, redirectUri }: Look): Text[] {
  switch (registration) {
    case 'ask':
      return [
        text`  registration  this server does not register clients by itself`,
        text`Register an application there with the redirect URI`,
        text`  ${redirectUri}`,
        text`then: bridgekeeper remove ${id}`,
        text`      bridgekeeper add ${url} --client-id ID`,
      ]
    case 'dynamic':
      return [text`  registration  by itself, at the sign-in`]
    case 'metadata-document':
      return [text`  registration  by a client metadata document`]
    case 'pre-registered':
      return [text`  registration  with your client id`]
    case undefined:
      return []
    default:
      return registration satisfies never
  }
}
