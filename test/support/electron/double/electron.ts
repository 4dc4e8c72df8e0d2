import { createRequire } from 'node:module'
import type { Recorder } from '../recorder.ts'
import { app } from './app.ts'
import { BrowserWindow } from './browser-window.ts'
import { ipcMain } from './ipc.ts'
import { protocol, session } from './session.ts'
import { clipboard, dialog, Menu, nativeImage, Notification, shell, Tray } from './shown.ts'
import { utilityProcess } from './utility-process.ts'

/*
 * The module `electron` for a main bundle that runs in plain Node. What it shows is noted and clicked by the recorder, which the test asks
 * over the process's own channel.
 */
export {
  app,
  BrowserWindow,
  clipboard,
  dialog,
  ipcMain,
  Menu,
  nativeImage,
  Notification,
  protocol,
  session,
  shell,
  Tray,
  utilityProcess,
}

const { record } = createRequire(import.meta.url)('../recorder.cjs') as {
  record: (electron: object) => Recorder
}
const recorder = record({ BrowserWindow, clipboard, dialog, ipcMain, Notification, shell, Tray })

process.on('message', ({ id, ask, given }: { id: number; ask: keyof Recorder; given: unknown[] }) => {
  const answer = async (): Promise<unknown> =>
    (await Reflect.apply(recorder[ask], recorder, given)) as unknown
  answer().then(
    (value) => process.send?.({ id, answer: value }),
    (thrown: unknown) => process.send?.({ id, failed: String(thrown) }),
  )
})
// The test being gone is a reason to go too.
process.on('disconnect', () => process.exit(1))
