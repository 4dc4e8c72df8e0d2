import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium, type Browser, type Page } from '@playwright/test'
import { typescriptLoader } from '../process.ts'
import type { Answer } from './recorder.ts'
import { root, untilFits, untilOf, type TrayApp, type TrayAppOptions } from './tray-app.ts'

const register = new URL('./double/register.mjs', import.meta.url).href
const main = join(root, 'dist/electron/main.js')

interface Reply {
  readonly id?: number
  readonly answer?: unknown
  readonly failed?: string
  readonly debugging?: number
}

/** Runs the built main bundle in plain Node, with the double for the module `electron`. */
export async function startOnDouble({ home, args = [] }: TrayAppOptions): Promise<TrayApp> {
  const child = spawn(process.execPath, ['--import', typescriptLoader, '--import', register, main, ...args], {
    cwd: fileURLToPath(new URL('../../..', import.meta.url)),
    env: home.env,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const exited = once(child, 'exit').then(([code]) => code as number | null)
  const waiting = new Map<number, (reply: Reply) => void>()
  let asked = 0
  let hear: (port: number) => void
  const debugging = new Promise<number>((resolve) => (hear = resolve))
  child.on('message', (reply: Reply) => {
    if (reply.debugging !== undefined) hear(reply.debugging)
    if (reply.id !== undefined) waiting.get(reply.id)?.(reply)
  })
  let browser: Promise<Browser> | undefined

  const ask: TrayApp['ask'] = async (name, ...given) => {
    const id = (asked += 1)
    const reply = await new Promise<Reply>((resolve, reject) => {
      waiting.set(id, resolve)
      void exited.then(() => reject(new Error('the app has ended')))
      child.send({ id, ask: name, given }, (error) => error && reject(error))
    })
    waiting.delete(id)
    if (reply.failed !== undefined) throw new Error(reply.failed)
    return reply.answer as Answer<typeof name>
  }
  return {
    runsOn: 'the double',
    pid: child.pid ?? 0,
    exited,
    ask,
    until: untilOf(ask),
    async window() {
      browser ??= debugging.then((port) => chromium.connectOverCDP(`http://127.0.0.1:${port}`))
      const [context] = (await browser).contexts()
      if (!context) throw new Error('the browser shows nothing')
      return (await untilFits(
        () => Promise.resolve(context.pages().find((page) => page.url().includes('.app.test/'))),
        (page): page is Page => page !== undefined,
      )) as Page
    },
    async close() {
      await browser?.then((open) => open.close()).catch(() => undefined)
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
      const limit = setTimeout(() => child.kill('SIGKILL'), 15_000)
      await exited
      clearTimeout(limit)
    },
  }
}
