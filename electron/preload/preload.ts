import { contextBridge, ipcRenderer } from 'electron'

/*
 * The page hands one end of a channel over, and that is all it can do from here: it never gets a way to send anything else.
 */
const channel = 'bridgekeeper:port'

contextBridge.exposeInMainWorld('bridgekeeperTray', true)

window.addEventListener('message', ({ data, source, origin, ports }) => {
  if (source === window && origin === location.origin && data === channel) {
    ipcRenderer.postMessage(channel, null, [...ports])
  }
})
