import { statSync } from 'node:fs'
import { join } from 'node:path'

/**
 * The address of the D-Bus session, where the Secret Service is; undefined where there is none, found out without starting
 * anything. The user's own bus is found in a bare environment too, since client apps start commands in one.
 * @see [D-Bus specification, message bus location](https://dbus.freedesktop.org/doc/dbus-specification.html#message-bus-locations)
 */
export function sessionBus(env: NodeJS.ProcessEnv, user = process.getuid?.()): string | undefined {
  const address = env['DBUS_SESSION_BUS_ADDRESS']
  // An address that was given counts, also when it leads nowhere.
  if (address) return address.split(';').some(mayAnswer) ? address : undefined
  const folders = [env['XDG_RUNTIME_DIR'], user === undefined ? undefined : `/run/user/${user}`]
  for (const folder of folders) {
    if (!folder) continue
    const path = join(folder, 'bus')
    // Another user's socket could be a false keychain, which learns the key.
    if (socketOwner(path) === user) return `unix:path=${escape(path)}`
  }
  return undefined
}

/** Only of a socket's path can it be told without trying. */
function mayAnswer(address: string): boolean {
  const path = /^unix:(?:.*,)?path=([^,]*)/.exec(address)?.[1]
  return path === undefined ? address !== '' : socketOwner(unescape(path)) !== undefined
}

function socketOwner(path: string): number | undefined {
  try {
    const stat = statSync(path)
    return stat.isSocket() ? stat.uid : undefined
  } catch {
    return undefined
  }
}

/** The characters that an address may hold as they are; the others are percent-encoded bytes. */
function escape(path: string): string {
  return Array.from(Buffer.from(path), (byte) => {
    const character = String.fromCodePoint(byte)
    return /[-0-9A-Za-z_/.*\\]/.test(character) ? character : `%${byte.toString(16).padStart(2, '0')}`
  }).join('')
}

function unescape(value: string): string {
  const bytes = value.replaceAll(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCodePoint(Number.parseInt(hex, 16)),
  )
  return Buffer.from(bytes, 'latin1').toString('utf8')
}
