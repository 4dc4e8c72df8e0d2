import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { root } from '../support/electron/tray-app.ts'

const built = (name: string): string => readFileSync(join(root, 'dist', name), 'utf8')

describe('the built tray app', () => {
  it('has nothing of the page in its main process', () => {
    expect(built('electron/main.js')).not.toMatch(/react|createRoot|jsx|\/renderer\//i)
  })

  it('has a preload script that needs electron alone', () => {
    const required = [...built('electron/preload.cjs').matchAll(/\brequire\((.*?)\)/g)].map(
      ([, name]) => name,
    )
    expect(required).toEqual(['"electron"'])
  })

  it('is where the manifest says', () => {
    const { main } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { main: string }
    expect(main).toBe('dist/electron/main.js')
  })
})
