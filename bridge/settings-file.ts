import { readFile, realpath } from 'node:fs/promises'
import { BridgeError } from '../shared/errors.ts'
import { Settings } from '../shared/settings.ts'
import { jsonMistake } from './json-mistake.ts'
import { replaceFile } from './vault/atomic-replace.ts'
import { wordsFor } from './vault/disk.ts'

/** The settings file as the person wrote it; what it leaves out has its default. */
export interface SettingsFile {
  /** @throws BridgeError `settings.broken`, `settings.unknown_key` or `settings.value_invalid`; the file stays as it is */
  read(): Promise<Settings>
  /**
   * Sets one key to a value given as text and resolves with all settings; an empty text returns to the default.
   * A file with a mistake is never written over.
   * @throws BridgeError as `read`, or `bridge.home_unwritable`
   */
  set(key: string, text: string): Promise<Settings>
}

type Raw = Record<string, unknown>

/** The settings in `file`. Concurrent changes are made one after the other. */
export function settingsFile(file: string): SettingsFile {
  let last: Promise<unknown> = Promise.resolve()
  return {
    read: async () => validate(await readRaw(file)),
    async set(key, text) {
      const changed = last.then(() => change(file, key, text))
      last = changed.catch(() => undefined)
      return changed
    },
  }
}

/**
 * The port that BRIDGEKEEPER_PORT names; undefined where it is not set.
 * @throws BridgeError `settings.value_invalid`
 */
export function environmentPort(env: NodeJS.ProcessEnv): number | undefined {
  const port = env['BRIDGEKEEPER_PORT']
  return port ? parsePort(port, 'BRIDGEKEEPER_PORT') : undefined
}

/**
 * A port given as text, by an option or the environment; `name` says which in the error.
 * @throws BridgeError `settings.value_invalid`
 */
export function parsePort(text: string, name: string): number {
  const parsed = Settings.shape.port.safeParse(/^\d{1,5}$/.test(text) ? Number(text) : Number.NaN)
  if (parsed.success) return parsed.data
  throw new BridgeError('settings.value_invalid', `${name} must be a number from 0 to 65535`)
}

async function change(file: string, key: string, text: string): Promise<Settings> {
  if (!isKey(key)) throw new BridgeError('settings.unknown_key', key.slice(0, 100))
  const raw = await readRaw(file)
  validate(raw)
  const changed: Raw = { ...raw }
  if (text === '') delete changed[key]
  else changed[key] = valueOf(key, text)
  const settings = validate(changed)
  await write(file, changed)
  return settings
}

/** The text itself where the setting takes a text; else what the text says in JSON, such as a number. */
function valueOf(key: keyof Settings, text: string): unknown {
  if (Settings.shape[key].safeParse(text).success) return text
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}

async function readRaw(file: string): Promise<Raw> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw new BridgeError('settings.broken', file, { cause: error })
  }
  const raw = parse(text.replace(/^\uFEFF/, ''), file)
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) {
    throw new BridgeError('settings.broken', `${file} does not hold a JSON object`)
  }
  return raw as Raw
}

function parse(text: string, file: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    const line = text.slice(0, jsonMistake(text)).split('\n').length
    throw new BridgeError('settings.broken', `${file}, line ${line}: not valid JSON`, { cause: error })
  }
}

function validate(raw: Raw): Settings {
  const parsed = Settings.safeParse(raw)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  if (issue?.code === 'unrecognized_keys') {
    throw new BridgeError('settings.unknown_key', issue.keys.join(', ').slice(0, 200))
  }
  throw new BridgeError('settings.value_invalid', `${issue?.path.join('.')}: ${issue?.message}`)
}

function isKey(key: string): key is keyof Settings {
  return Object.hasOwn(Settings.shape, key)
}

async function write(file: string, raw: Raw): Promise<void> {
  try {
    // A link is followed and stays: people keep their settings in a repository of their own.
    const target = await realpath(file).catch(() => file)
    await replaceFile(target, Buffer.from(`${JSON.stringify(raw, null, 2)}\n`))
  } catch (error) {
    throw new BridgeError('bridge.home_unwritable', `${file}: ${wordsFor(error)}`, { cause: error })
  }
}
