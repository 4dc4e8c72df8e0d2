/** What a page tells the main process through the binding. */
export type PageCall =
  | { readonly does: 'begin'; readonly document: string }
  | {
      readonly does: 'post'
      readonly channel: string
      readonly message: unknown
      readonly ports: readonly string[]
    }
  | { readonly does: 'port-message'; readonly port: string; readonly data: unknown }
  | { readonly does: 'port-next' | 'port-closed'; readonly port: string }
  | { readonly does: 'open'; readonly url: string }

/** The name of the binding; the script takes it out of the page before the page runs. */
export const bindingName = '__electronDouble'

/**
 * The script that runs before the page: the preload script in a function of its own, with the `electron` of a sandboxed preload. The world of
 * a preload is its own in Electron; here it is a closure that the page's scripts cannot look into.
 */
export function preloadScript(preload: string): string {
  return `(() => {
    const tell = window.${bindingName}
    delete window.${bindingName}
    if (window !== window.top) return
    const document = String(Math.random()).slice(2)
    const begun = tell({ does: 'begin', document })
    let ports = 0
    const adopt = (port) => {
      const id = document + ':' + (ports += 1)
      // Its messages wait until the other side knows the port.
      const pump = async () => {
        port.addEventListener('message', ({ data }) => void tell({ does: 'port-message', port: id, data }))
        port.addEventListener('close', () => void tell({ does: 'port-closed', port: id }))
        port.start()
        for (;;) {
          const messages = await tell({ does: 'port-next', port: id })
          if (!messages) return port.close()
          for (const message of messages) port.postMessage(message)
        }
      }
      return { id, pump }
    }
    const electron = {
      contextBridge: {
        exposeInMainWorld(name, value) {
          Object.defineProperty(window, name, { value: Object.freeze(value), enumerable: true })
        },
      },
      ipcRenderer: {
        async postMessage(channel, message, transferred = []) {
          const adopted = transferred.map(adopt)
          await begun
          await tell({ does: 'post', channel, message, ports: adopted.map(({ id }) => id) })
          for (const { pump } of adopted) void pump()
        },
      },
    }
    window.open = (url = '') => {
      void tell({ does: 'open', url: new URL(url, location.href).href })
      return null
    }
    const require = (name) => {
      if (name !== 'electron') throw new Error('a sandboxed preload cannot require ' + name)
      return electron
    }
    ;((require, exports, module) => {
${preload}
    })(require, {}, { exports: {} })
  })()`
}
