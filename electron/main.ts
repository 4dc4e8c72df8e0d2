import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { app, dialog } from 'electron'
import { openLog } from '../bridge/log.ts'
import { ensureHome, systemPaths, type Paths } from '../bridge/paths.ts'
import { sentence, toFailure } from '../shared/errors.ts'
import { runApp } from './app.ts'
import { declarePageScheme } from './window/page-protocol.ts'

// Before anything is waited for: the app may be ready soon.
declarePageScheme()
app.setName('Bridgekeeper')
app.setAppUserModelId('app.bridgekeeper')
const paths = openHome()
if (paths && app.requestSingleInstanceLock()) {
  const log = openLog({ file: join(dirname(paths.logFile), 'app.log'), level: 'info' })
  runApp({ paths, log, env: process.env, dist: fileURLToPath(new URL('..', import.meta.url)) })
} else app.quit()

/** The folders, with one for the app's own files, so that there is one app for each home; says why where there is none. */
function openHome(): Paths | undefined {
  try {
    const found = systemPaths(process.env)
    ensureHome(found)
    const own = join(found.home, 'app')
    mkdirSync(own, { recursive: true, mode: 0o700 })
    app.setPath('userData', own)
    return found
  } catch (thrown) {
    dialog.showErrorBox('Bridgekeeper cannot start', sentence(toFailure(thrown)))
    return undefined
  }
}
