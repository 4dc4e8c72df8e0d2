import { ipcMain, type IpcMainEvent, type MessagePortMain, type WebContents } from 'electron'
import { RPCHandler } from '@orpc/server/message-port'
import type { AnyRouter } from '@orpc/server'
import { z } from 'zod'
import { isPageAddress } from './page-address.ts'

/** The one channel that the page has: it hands over a port, over which the contract is spoken. */
const portChannel = 'bridgekeeper:port'

/** The longest message that is taken from the page, in characters. */
const longest = 16 * 1024 * 1024

/**
 * Answers the page in `contents`, and nobody else, with `router`. A page that is loaded anew gets a new port, and what the old one asked for
 * is given up. Stops when the function that it gives is called.
 */
export function answerPage(contents: () => WebContents | undefined, router: AnyRouter): () => void {
  const handler = new RPCHandler(router)
  let current: MessagePortMain | undefined
  const listen = (event: IpcMainEvent): void => {
    const [port, ...more] = event.ports
    if (!port || more.length > 0 || !isFromPage(event, contents())) {
      for (const one of event.ports) one.close()
      return
    }
    current?.close()
    current = port
    handler.upgrade(guarded(port))
    port.start()
  }
  ipcMain.on(portChannel, listen)
  return () => {
    ipcMain.off(portChannel, listen)
    current?.close()
  }
}

/** Whether a message comes from the page itself: our window, its main frame, our address. */
function isFromPage({ sender, senderFrame }: IpcMainEvent, contents: WebContents | undefined): boolean {
  return (
    sender === contents &&
    senderFrame !== null &&
    senderFrame === sender.mainFrame &&
    isPageAddress(senderFrame.url)
  )
}

/** A port that passes on only what can be a message of the library: it would fail on anything else where nobody catches it. */
function guarded(port: MessagePortMain): Pick<MessagePortMain, 'postMessage'> & { on: PortEvents } {
  return {
    postMessage: (data: unknown) => port.postMessage(data),
    on(event, callback) {
      if (event !== 'message') port.on('close', () => callback())
      else port.on('message', ({ data }) => isMessage(data) && callback({ data }))
    },
  }
}

type PortEvents = (event: string, callback: (event?: { data: unknown }) => void) => void

/** One request, or the end of one, as the library writes it: `i` is its number, `t` its kind, `u` the procedure and `b` the input. */
const PortMessage = z.union([
  z.strictObject({
    i: z.string().max(40),
    p: z.strictObject({
      u: z
        .string()
        .max(200)
        .regex(/^(?:\/[A-Za-z]+)+$/),
      b: z.unknown(),
    }),
  }),
  z.strictObject({ i: z.string().max(40), t: z.literal(4) }),
])

function isMessage(data: unknown): boolean {
  if (typeof data !== 'string' || data.length > longest) return false
  try {
    return PortMessage.safeParse(JSON.parse(data)).success
  } catch {
    return false
  }
}
