import { BridgeError } from '../../../shared/errors.ts'
import { Settings } from '../../../shared/settings.ts'
import { ensureHome, systemPaths } from '../../paths.ts'
import { settingsFile, type SettingsFile } from '../../settings-file.ts'
import type { Face } from '../face.ts'
import { alignColumns, text } from '../text.ts'

/** The settings, or one of them. */
export async function getSettings(face: Face, key: string | undefined): Promise<void> {
  const { file } = await settingsOf(face)
  const settings = await file.read()
  if (key === undefined) {
    face.terminal.answer(settings, () =>
      alignColumns(allKeys.map((name) => [text`${name}`, text`${String(settings[name] ?? '-')}`])),
    )
    return
  }
  const name = allKeys.find((known) => known === key)
  if (!name) throw new BridgeError('settings.unknown_key', key.slice(0, 100))
  face.terminal.answer(settings[name], () => [text`${String(settings[name] ?? '-')}`])
}

/** Changes one setting. */
export async function setSetting(face: Face, key: string, value: string): Promise<void> {
  const { file, isRunning } = await settingsOf(face)
  const settings = await file.set(key, value)
  face.terminal.answer(settings, () => [
    text`${key} is now ${String(settings[key as keyof Settings] ?? 'not set')}`,
  ])
  if (isRunning && readAtStart.has(key)) {
    face.terminal.note(text`The bridge that runs takes it at its next start; bridgekeeper stop ends it.`)
  }
}

/** What a running bridge cannot change. */
const readAtStart: ReadonlySet<string> = new Set<keyof Settings>(['port', 'keyStore'])

const allKeys = Object.keys(Settings.shape) as (keyof Settings)[]

/**
 * The settings of the running bridge, or the file itself where none runs. Starting one for this would be circular: a wrong setting
 * may be the reason that it cannot start.
 */
async function settingsOf(face: Face): Promise<{ file: SettingsFile; isRunning: boolean }> {
  const control = await face.runningControl()
  if (!control) {
    const paths = systemPaths(face.env)
    const file = settingsFile(paths.settings)
    const set: SettingsFile['set'] = async (key, value) => {
      ensureHome(paths)
      return file.set(key, value)
    }
    return { file: { read: () => file.read(), set }, isRunning: false }
  }
  const file: SettingsFile = {
    read: () => control.settings.get({}),
    set: (key, value) => control.settings.set({ key, value }),
  }
  return { file, isRunning: true }
}
