import type { Target } from '../../../bridge/clients/app.ts'
import { type Machine, type Platform } from '../../../bridge/clients/machine.ts'
import { ownEntries } from '../../../bridge/clients/own-entries.ts'

export const clientKey = 'k7Jq2sWv9xYt4bNc8LmR'
export const own = ownEntries({
  ports: [47_330],
  knowsKey: (key) => key === clientKey,
  shim: '/opt/bridgekeeper/dist/stdio.cjs',
})

/** What an app is pointed at in these tests, by what it speaks. */
export function targetFor(speaks: 'http' | 'stdio', connection?: string): Target {
  return speaks === 'http'
    ? {
        kind: 'http',
        url: `http://127.0.0.1:47330/${clientKey}/${connection === undefined ? '' : `${connection}/`}mcp`,
      }
    : {
        kind: 'stdio',
        command: '/usr/bin/node',
        args: [
          '/opt/bridgekeeper/dist/stdio.cjs',
          ...(connection === undefined ? [] : [connection]),
          '--client=test',
        ],
      }
}

/** A machine made of the paths that exist on it. */
export function machineWith(
  platform: Platform,
  files: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Machine {
  const home = platform === 'win32' ? 'C:\\Users\\ada' : platform === 'darwin' ? '/Users/ada' : '/home/ada'
  const separator = platform === 'win32' ? '\\' : '/'
  return {
    platform,
    home,
    env,
    list(folder) {
      const start = folder.endsWith(separator) ? folder : folder + separator
      const below = files.filter((file) => file.startsWith(start))
      if (below.length === 0) return undefined
      return [...new Set(below.map((file) => file.slice(start.length).split(separator)[0] ?? ''))]
    },
  }
}
