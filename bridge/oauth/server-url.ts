import { BridgeError } from '../../shared/errors.ts'
import { isLoopbackHost } from './addresses.ts'

const MAX_LENGTH = 2048

/**
 * The URL of an MCP server as a person typed it, without its fragment. Plain http is for loopback hosts only.
 * Throws `url.invalid`, `url.not_http`, `url.plain_http` or `url.credentials`.
 */
export function parseServerUrl(text: string): URL {
  const typed = text.trim()
  // `localhost:3000/mcp` parses as a URL of the scheme `localhost:`, which is not what was meant.
  const hostAndPort = /^[^:/?#]*:\d/.test(typed)
  if (hostAndPort || typed.length > MAX_LENGTH || !URL.canParse(typed)) throw new BridgeError('url.invalid')
  const url = new URL(typed)
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw new BridgeError('url.not_http', url.protocol)
  if (url.username || url.password) throw new BridgeError('url.credentials')
  if (url.protocol === 'http:' && !isLoopbackHost(url.hostname))
    throw new BridgeError('url.plain_http', url.hostname)
  url.hash = ''
  return url
}

/** Below these names live other people's servers: the label before them is the name, not they. */
const hosting = [
  'amazonaws.com',
  'authkit.app',
  'azurecontainerapps.io',
  'azurewebsites.net',
  'fly.dev',
  'github.io',
  'herokuapp.com',
  'netlify.app',
  'ngrok-free.app',
  'ngrok.io',
  'onrender.com',
  'pages.dev',
  'railway.app',
  'run.app',
  'supabase.co',
  'trycloudflare.com',
  'vercel.app',
  'workers.dev',
]

/** An id for the connection, from the host: `linear` for https://mcp.linear.app/mcp. Always a valid `ConnectionId`. */
export function suggestId(url: URL): string {
  const { hostname, port } = url
  if (isLoopbackHost(hostname)) return port ? `local-${port}` : 'local'
  const literal = hostname.startsWith('[') || /^[\d.]+$/.test(hostname)
  return slug(literal ? hostname : ownName(hostname)) || 'server'
}

/** The label that names the owner of a host: the one before the public suffix. */
function ownName(hostname: string): string {
  const labels = hostname.replace(/\.$/, '').split('.')
  const host = hosting.find((suffix) => hostname.endsWith(`.${suffix}`))
  const [last = '', second = ''] = labels.toReversed()
  const country = last.length === 2 && /^(?:ac|co|com|edu|gov|net|org)$/.test(second) && labels.length > 2
  const suffix = host ? host.split('.').length : country ? 2 : 1
  return labels.at(-1 - suffix) ?? labels[0] ?? ''
}

function slug(text: string): string {
  const dashed = text.toLowerCase().replace(/[^a-z0-9]+/g, '-')
  return dashed.slice(0, 40).replace(/^-|-$/g, '')
}
