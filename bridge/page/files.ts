import { readdir, readFile } from 'node:fs/promises'
import { extname, join, sep } from 'node:path'

/** A file of the page, ready to be sent. */
export interface PageFile {
  readonly type: string
  readonly body: Buffer
  /** Its name has a hash of its content in it, so that it never changes. */
  readonly isImmutable: boolean
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
  '.json': 'application/json',
}

/**
 * Reads the built page: its files by their paths below `folder`, such as `assets/index-1a2b.js`. What is asked for later is looked up here and
 * never on the disk, so that no path leads elsewhere. Rejects when the page was not built.
 */
export async function readPageFiles(folder: string): Promise<ReadonlyMap<string, PageFile>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile() && types[extname(entry.name)] !== undefined)
  const read = files.map(async (entry): Promise<[string, PageFile]> => {
    const path = join(entry.parentPath, entry.name)
    const name = path.slice(folder.length).split(sep).filter(Boolean).join('/')
    const type = types[extname(entry.name)] ?? 'application/octet-stream'
    return [name, { type, body: await readFile(path), isImmutable: name.startsWith('assets/') }]
  })
  return new Map(await Promise.all(read))
}
