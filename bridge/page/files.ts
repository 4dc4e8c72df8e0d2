import { readdir, readFile } from 'node:fs/promises'
import { extname, join, sep } from 'node:path'

/** A file of the page, ready to be sent. */
export interface PageFile {
  readonly type: string
  readonly body: Buffer
  /** Its name has a hash of its content in it, so that it never changes. */
  readonly isImmutable: boolean
}

/** Everything of the page lies below this path. */
export const pagePath = '/ui/'

/** What the page is sent with, in both of its homes: nothing but what it is made of runs, and nobody may frame it or learn where it was. */
export const documentHeaders: Readonly<Record<string, string>> = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
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

/** The file at a path below `pagePath`; undefined where there is none. */
export function pageFileAt(files: ReadonlyMap<string, PageFile>, path: string): PageFile | undefined {
  const name = path.slice(pagePath.length)
  // Every view has an address of its own, and all of them are the one document.
  return files.get(name) ?? (name.includes('.') ? undefined : files.get('index.html'))
}
