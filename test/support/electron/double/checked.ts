import type Electron from 'electron'
import type { app } from './app.ts'
import type { BrowserWindow } from './browser-window.ts'
import type { MessagePortMain } from './ipc.ts'
import type { protocol, sessionOf } from './session.ts'
import type { clipboard, dialog, Menu, nativeImage, Notification, shell, Tray } from './shown.ts'
import type { utilityProcess } from './utility-process.ts'

/*
 * What the double has, it has in Electron's own types: whoever calls it cannot tell by types, so that an update of Electron that changes one of
 * these shows here. Nothing of this file runs.
 */
type Fits<Real, Double extends Real> = Double
type Made<Class extends abstract new (...given: never) => unknown> = InstanceType<Class>

export type Checked = [
  Fits<
    Pick<
      Electron.App,
      | 'whenReady'
      | 'isReady'
      | 'isPackaged'
      | 'setName'
      | 'setAppUserModelId'
      | 'getAppPath'
      | 'setPath'
      | 'getPath'
      | 'requestSingleInstanceLock'
      | 'getLoginItemSettings'
      | 'setLoginItemSettings'
      | 'quit'
    >,
    typeof app
  >,
  Fits<
    Pick<
      Electron.BrowserWindow,
      'loadURL' | 'show' | 'hide' | 'focus' | 'restore' | 'isMinimized' | 'isVisible' | 'close' | 'destroy'
    >,
    Made<typeof BrowserWindow>
  >,
  Fits<
    Pick<Electron.WebContents, 'getURL' | 'setWindowOpenHandler'>,
    Made<typeof BrowserWindow>['webContents']
  >,
  Fits<Pick<Electron.MessagePortMain, 'start' | 'postMessage' | 'close'>, MessagePortMain>,
  Fits<Pick<Electron.Protocol, 'registerSchemesAsPrivileged'>, typeof protocol>,
  Fits<Pick<Electron.Protocol, 'handle'>, ReturnType<typeof sessionOf>['protocol']>,
  Fits<
    Pick<
      Electron.Session,
      'setPermissionRequestHandler' | 'setPermissionCheckHandler' | 'setDevicePermissionHandler'
    >,
    ReturnType<typeof sessionOf>
  >,
  Fits<Pick<Electron.Clipboard, 'readText' | 'writeText'>, typeof clipboard>,
  Fits<Pick<Electron.Dialog, 'showMessageBox' | 'showErrorBox'>, typeof dialog>,
  Fits<Pick<Electron.Shell, 'openExternal'>, typeof shell>,
  Fits<Pick<Electron.Tray, 'setImage' | 'setToolTip' | 'setContextMenu' | 'destroy'>, Made<typeof Tray>>,
  Fits<Pick<Electron.Notification, 'show' | 'close' | 'title' | 'body'>, Made<typeof Notification>>,
  Fits<
    Pick<Electron.NativeImage, 'toDataURL' | 'isEmpty' | 'addRepresentation' | 'setTemplateImage'>,
    ReturnType<typeof nativeImage.createEmpty>
  >,
  Fits<Pick<Electron.MenuItem, 'label' | 'enabled' | 'type'>, Menu['items'][number]>,
  Fits<
    Pick<Electron.UtilityProcess, 'kill' | 'pid' | 'stdout' | 'stderr'>,
    ReturnType<typeof utilityProcess.fork>
  >,
  Fits<
    (file: string, args?: string[], options?: Electron.ForkOptions) => unknown,
    typeof utilityProcess.fork
  >,
]
