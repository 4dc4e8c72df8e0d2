import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { binaryAt, reasonAgainst } from '../../electron/start-rules.ts'
import { startNode } from '../support/process.ts'
import { root } from '../support/electron/tray-app.ts'
import { bridgeAt, openHome } from './running.ts'
import { closing } from '../end-to-end/scene.ts'

describe('npm start', () => {
  it('knows where the tray app cannot run', () => {
    const linux = { platform: 'linux', user: 1000 } as const
    expect(reasonAgainst({ ...linux, env: {} })).toBe('there is no display')
    expect(reasonAgainst({ ...linux, env: { DISPLAY: ':0' } })).toBeUndefined()
    expect(reasonAgainst({ ...linux, env: { WAYLAND_DISPLAY: 'wayland-0' } })).toBeUndefined()
    expect(reasonAgainst({ ...linux, env: { DISPLAY: ':0' }, user: 0 })).toBe(
      'Electron has no sandbox for root',
    )
    expect(reasonAgainst({ platform: 'darwin', env: {}, user: 501 })).toBeUndefined()
    expect(reasonAgainst({ platform: 'win32', env: {}, user: undefined })).toBeUndefined()
  })

  it('finds the binary by what its package says', () => {
    const files = new Map([[join('electron', 'path.txt'), 'electron.exe']])
    expect(binaryAt('electron', (path) => files.get(path))).toBe(join('electron', 'dist', 'electron.exe'))
    expect(binaryAt('electron', () => undefined)).toBeUndefined()
  })

  it.runIf(process.platform === 'linux')(
    'says why not, and opens the page in the browser instead',
    async () => {
      const home = await openHome()
      const started = startNode([join(root, 'dist/start.js')], { env: { ...home.env, BROWSER: '/bin/true' } })
      const { code } = await started.exited
      closing({ close: async () => void (await bridgeAt(home).control.bridge.stop({})) })
      expect(started.stdout.all).toEqual([
        'The tray app does not run here: there is no display.',
        'The same page opens in your browser instead.',
        'The page opens in your browser.',
      ])
      expect(code).toBe(0)
      expect(await bridgeAt(home).runs()).toBe(true)
    },
  )
})
