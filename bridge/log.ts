import { closeSync, fchmodSync, openSync, renameSync, statSync } from 'node:fs'
import type { Logger } from 'pino'
import { BridgeError, errors } from '../shared/errors.ts'
import type { Settings } from '../shared/settings.ts'
import type { Log } from './ports.ts'
import { namesSecret, redacted, scrubText } from './scrub.ts'

/** The log of a running bridge. */
export interface LogFile extends Log {
  setLevel(level: Settings['logLevel']): void
  /** Resolves when every line is in the file. */
  close(): Promise<void>
}

type Level = keyof Log
interface Line {
  readonly level: Level
  readonly message: string
  readonly fields: Record<string, unknown>
}

/** The log is moved to `<file>.1` at a start that finds it larger than this, in bytes. */
const ROTATE_AT = 5 * 1024 * 1024

/**
 * Writes JSON lines to `file`, for its owner alone, and keeps one older file. Fields whose names speak of secrets are
 * redacted and errors are reduced to their kind and place, though callers give neither. The library is loaded in the
 * background, so that a start does not wait for it; lines wait meanwhile.
 * @throws BridgeError `bridge.home_unwritable`
 */
export function openLog(options: { file: string; level: Settings['logLevel'] }): LogFile {
  const descriptor = openForAppending(options.file)
  let { level } = options
  let waiting: Line[] = []
  let logger: Logger | undefined
  const loaded = import('pino').then(({ pino }) => {
    const destination = pino.destination({ fd: descriptor, sync: true })
    // A full disk costs lines of the log and must not cost the bridge.
    destination.on('error', () => undefined)
    const loading = pino(
      {
        level,
        base: null,
        timestamp: pino.stdTimeFunctions.isoTime,
        formatters: { level: (label) => ({ level: label }) },
      },
      destination,
    )
    for (const line of waiting) emit(loading, line)
    waiting = []
    logger = loading
  })
  const write = (line: Line) => {
    if (logger) emit(logger, line)
    else waiting.push({ ...line, fields: { ...line.fields, at: new Date().toISOString() } })
  }
  const at =
    (level: Level) =>
    (message: string, fields: Record<string, unknown> = {}) =>
      write({ level, message, fields })
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    setLevel(next) {
      level = next
      if (logger) logger.level = next
    },
    async close() {
      await loaded
      closeSync(descriptor)
      logger = undefined
    },
  }
}

/**
 * What a log may say of a thrown value: its kind, its code and where it happened. Never its text, since that of a
 * library's error can hold a URL, a header or a body.
 */
export function describeThrown(thrown: unknown): Record<string, unknown> {
  if (!(thrown instanceof Error)) return { error: typeof thrown }
  const code = (thrown as { code?: unknown }).code
  return {
    error: thrown.name.slice(0, 80),
    ...(isPlainCode(code) ? { code } : {}),
    stack: placesOf(thrown),
    ...(thrown.cause === undefined ? {} : { cause: describeThrown(thrown.cause) }),
  }
}

/** The lines of a stack without the message that it begins with, which may hold lines that look alike. */
function placesOf({ message, stack = '' }: Error): string[] {
  const start = stack.indexOf(message)
  if (start < 0) return []
  const lines = stack.slice(start + message.length).split('\n')
  return lines.flatMap((line) => (/^\s+at /.test(line) ? [line.trim()] : [])).slice(0, 8)
}

function emit(logger: Logger, { level, message, fields }: Line): void {
  logger[level](scrub(fields, 0) as Record<string, unknown>, shortened(message))
}

function openForAppending(file: string): number {
  try {
    rotate(file)
    const descriptor = openSync(file, 'a', 0o600)
    if (process.platform !== 'win32') fchmodSync(descriptor, 0o600)
    return descriptor
  } catch (error) {
    throw new BridgeError('bridge.home_unwritable', file, { cause: error })
  }
}

function rotate(file: string): void {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0
  if (size > ROTATE_AT) renameSync(file, `${file}.1`)
}

function scrub(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return shortened(value)
  if (typeof value !== 'object' || value === null) return typeof value === 'bigint' ? String(value) : value
  if (value instanceof Error) return describeThrown(value)
  if (value instanceof URL) return shortened(value.href)
  if (depth > 5) return '…'
  if (Array.isArray(value)) return value.slice(0, 100).map((item) => scrub(item, depth + 1))
  if ('toJSON' in value && typeof value.toJSON === 'function') return scrub(value.toJSON(), depth + 1)
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => {
      const isSecret = namesSecret(name) || (name === 'code' && !isPlainCode(item))
      return [name, isSecret && item !== undefined ? redacted : scrub(item, depth + 1)]
    }),
  )
}

/** `code` names an error almost everywhere, and in OAuth an authorization code. */
function isPlainCode(code: unknown): code is string {
  return typeof code === 'string' && (code in errors || /^E[A-Z_]{2,40}$/.test(code))
}

/** A line has a length that can be read. */
function shortened(text: string): string {
  return scrubText(text.slice(0, 4000))
}
