import { join } from 'node:path'

/** Why no tray app can run in these surroundings, as the end of a sentence; undefined where it can. */
export function reasonAgainst({
  platform,
  env,
  user,
}: {
  readonly platform: NodeJS.Platform
  readonly env: NodeJS.ProcessEnv
  readonly user: number | undefined
}): string | undefined {
  if (platform !== 'linux') return undefined
  if (!env['DISPLAY'] && !env['WAYLAND_DISPLAY']) return 'there is no display'
  // Without its sandbox it would start, and that is what must never be.
  if (user === 0) return 'Electron has no sandbox for root'
  return undefined
}

/** Where the `electron` package in this folder has its binary, be it there or not; undefined before it was fetched. */
export function binaryAt(folder: string, readFile: (path: string) => string | undefined): string | undefined {
  const name = readFile(join(folder, 'path.txt'))
  return name === undefined ? undefined : join(folder, 'dist', name)
}
