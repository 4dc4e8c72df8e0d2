import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { typescriptLoader } from './process.ts'

/**
 * Writes an executable that takes a URL as its last argument and signs in there, and returns its path: for `BROWSER`.
 * It is a shell script, so there is none on Windows.
 */
export async function writeBrowserCommand(
  folder: string,
  decision: 'approve' | 'deny' = 'approve',
): Promise<string> {
  const path = join(folder, `browser-${decision}`)
  const visit = fileURLToPath(new URL('browser-visit.ts', import.meta.url))
  const command = [process.execPath, '--import', typescriptLoader, visit, decision].map(quote).join(' ')
  await writeFile(path, `#!/bin/sh\nexec ${command} "$@"\n`, { mode: 0o700 })
  return path
}

function quote(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`
}
