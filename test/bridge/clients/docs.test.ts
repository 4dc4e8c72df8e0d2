import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { clientApps } from '../../../bridge/clients/apps.ts'
import type { Machine } from '../../../bridge/clients/machine.ts'
import { machineWith, targetFor } from './fixtures.ts'

const docs = readFileSync(new URL('../../../docs/clients.md', import.meta.url), 'utf8')

/** A path as the documentation writes it, or may write it where all platforms are alike. */
function written(path: string, { home, platform }: Machine): readonly string[] {
  const settings = { darwin: '~/Library/Application Support', linux: '~/.config', win32: '%APPDATA%' }[
    platform
  ]
  const plain = path
    .replace(`${home}\\AppData\\Roaming`, '%APPDATA%')
    .replace(`${home}\\AppData\\Local`, '%LOCALAPPDATA%')
    .replace('Claude_any', 'Claude_*')
    .replace(home, '~')
    .replaceAll('\\', '/')
  return [plain, plain.replace(settings, '<settings>')].map((path) => `\`${path}\``)
}

describe.each(clientApps)('the documentation of $name', (app) => {
  const row = docs.split('\n').find((line) => line.includes(`| \`${app.id}\` |`)) ?? ''
  const [name, , files = '', project, entry = '', restart] = row
    .split('|')
    .slice(1)
    .map((cell) => cell.trim())
  const packaged = 'C:\\Users\\ada\\AppData\\Local\\Packages\\Claude_any\\LocalCache\\Roaming\\Claude\\x'

  it.each([machineWith('darwin'), machineWith('linux'), machineWith('win32', [packaged])])(
    'names its files on $platform',
    (machine) => {
      expect(name).toBe(app.name)
      const missing = app
        .files(machine)
        .filter(({ path }) => !written(path, machine).some((text) => files.includes(text)))
      expect(missing).toEqual([])
    },
  )

  it('names its files in a project', () => {
    const paths = app.projectFiles?.('/p', machineWith('linux')) ?? []
    expect(project).toBe(paths.map(({ path }) => `\`${path.slice('/p/'.length)}\``).join(', '))
  })

  it('shows its entry', () => {
    expect(entry).toContain(app.table.keys.join('.'))
    for (const field of Object.keys(app.fields(targetFor(app.speaks, 'linear'), 'linear'))) {
      expect(entry).toContain(field)
    }
  })

  it('says what to do for a change to take effect', () => {
    expect(restart).toBe(app.restart ?? '')
  })
})
