import { Secret } from '../secret.ts'
import { isRecord } from './formats/format.ts'

/** A secret that lies in a file in plain text, and where in the entry. */
export interface PlainSecret {
  readonly where: string
  readonly value: Secret
}

const secretName =
  /token|secret|passw(or)?d|api[-_]?key|access[-_]?key|private[-_]?key|authorization|credential|bearer|cookie|session[-_]?id|[-_](key|auth|pwd)([-_]|$)/i
const harmlessName =
  /^(accept.*|content-type|user-agent|token_?type|.*_?env_var|.*(endpoint|url|uri|_at|_in|expires.*))$/i
const knownToken =
  /^(sk-|pk_|rk_|ghp_|gho_|ghu_|ghs_|github_pat_|glpat-|xox[a-z]-|lin_api_|ntn_|hf_|AKIA|AIza|ya29\.|eyJ[\w-]+\.[\w-]+\.)/
const placeholder = /\$\{[^}]*\}|\{(env|file):[^}]*\}|^\$[A-Za-z_]\w*$|^%\w+%$/

/** Whether a value is filled in by the client app from elsewhere, such as `${env:TOKEN}`. */
export function isPlaceholder(value: string): boolean {
  return placeholder.test(value)
}

/** Whether a name, of a header, variable, option or key, is one that secrets go by. */
export function isSecretName(name: string): boolean {
  return secretName.test(name) && !harmlessName.test(name)
}

/** Every secret that an entry, or a whole file, holds in plain text: in headers, variables, arguments, addresses and stored tokens. */
export function plainSecretsOf(entry: unknown): readonly PlainSecret[] {
  return secretsIn(entry, [])
}

/** The address without user name, password, fragment and the values of its query that are secret. */
export function addressWithoutSecrets(address: string): string {
  if (!URL.canParse(address)) return '[not an address]'
  const url = new URL(address)
  url.username = ''
  url.password = ''
  url.hash = ''
  for (const [name, value] of Array.from(url.searchParams)) {
    if (isSecretParameter(name, value)) url.searchParams.set(name, 'redacted')
  }
  return url.href
}

function secretsIn(value: unknown, path: readonly string[]): readonly PlainSecret[] {
  if (Array.isArray(value)) {
    const words = value.map((item) => (typeof item === 'string' ? item : ''))
    return value.flatMap((item, index) =>
      typeof item === 'string'
        ? secretsInArgument(item, words[index - 1] ?? '', [...path, String(index + 1)])
        : secretsIn(item, [...path, String(index + 1)]),
    )
  }
  if (isRecord(value)) {
    return Object.entries(value).flatMap(([key, inner]) => [
      ...secretsIn(inner, [...path, key]),
      ...(isRecord(inner) ? variablesOfHeaders(value['args'], inner, [...path, key]) : []),
    ])
  }
  if (typeof value !== 'string' || value.length < 6) return []
  // Names of variables, not their values.
  if (path.at(-2) === 'env_http_headers') return []
  const [name = '', parent = ''] = path.toReversed()
  if (isHttpAddress(value)) return secretsInAddress(value, path)
  // A header may hold a secret under any name, a variable rarely under one that does not say so.
  const isHeader = /headers$/i.test(parent) && !harmlessName.test(name)
  return (isHeader || isSecret(name, value)) && !isPlaceholder(value) ? [found(path, value)] : []
}

/** A variable that the arguments put into a header is a secret whatever its name. */
function variablesOfHeaders(
  args: unknown,
  variables: Record<string, unknown>,
  path: readonly string[],
): readonly PlainSecret[] {
  const words = Array.isArray(args) ? args.filter((word) => typeof word === 'string') : []
  const headers = words.filter((_, index) => words[index - 1] === '--header').join(' ')
  return Object.entries(variables).flatMap(([name, value]) =>
    headers.includes(`\${${name}}`) &&
    typeof value === 'string' &&
    !isSecret(name, value) &&
    !isPlaceholder(value)
      ? [found([...path, name], value)]
      : [],
  )
}

function isSecret(name: string, value: string): boolean {
  return isSecretName(name) || knownToken.test(value) || /^(bearer|basic)\s+\S{6}/i.test(value)
}

function secretsInArgument(
  argument: string,
  before: string,
  path: readonly string[],
): readonly PlainSecret[] {
  if (isHttpAddress(argument)) return secretsInAddress(argument, path)
  if (argument.startsWith('{')) {
    try {
      return secretsIn(JSON.parse(argument), path)
    } catch {
      return []
    }
  }
  const header = before === '--header' || before === '-H' ? /^([\w-]+):\s*(.+)$/.exec(argument) : null
  const option = /^--?([\w-]+)=(.+)$/.exec(argument)
  const [, name = '', value = ''] = header ?? option ?? [undefined, before.replace(/^-+/, ''), argument]
  const isOption = header !== null || option !== null || before.startsWith('-')
  const isNamedSo = header !== null ? !harmlessName.test(name) : isSecretName(name)
  if (value.length < 6 || isPlaceholder(value) || value.startsWith('-')) return []
  return (isOption && isNamedSo) || knownToken.test(value) ? [found(path, value)] : []
}

function secretsInAddress(address: string, path: readonly string[]): readonly PlainSecret[] {
  const url = new URL(address)
  const query = [...url.searchParams].filter(([name, value]) => isSecretParameter(name, value))
  return [url.password, ...query.map(([, value]) => value)]
    .filter((value) => value !== '' && !isPlaceholder(decodeURIComponent(value)))
    .map((value) => found(path, value))
}

function isSecretParameter(name: string, value: string): boolean {
  return isSecretName(name) || /^(key|sig|signature|code)$/i.test(name) || knownToken.test(value)
}

function isHttpAddress(value: string): boolean {
  return /^https?:\/\//i.test(value) && URL.canParse(value)
}

function found(path: readonly string[], value: string): PlainSecret {
  // Of `Bearer abc` the latter alone is the secret, wherever else it may lie.
  return { where: path.join('.'), value: new Secret(value.replace(/^(bearer|basic|token)\s+/i, '')) }
}
