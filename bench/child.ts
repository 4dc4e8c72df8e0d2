import { fork, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { builtFolder } from './build.ts'
import type { Questions } from './questions.ts'

/** A process of the benchmark. It answers one question at a time. */
export interface Child<Q extends Questions> {
  readonly pid: number
  ask<N extends keyof Q & string>(question: N, input: Q[N]['in']): Promise<Q[N]['out']>
  stop(): Promise<void>
}

/** How long an answer may take, in milliseconds. */
const mostMs = 30_000

/** Starts a built process, such as `load-process`. */
export function startChild<Q extends Questions>(name: string): Child<Q> {
  const child = fork(join(builtFolder, `${name}.js`), { execArgv: [] })
  return {
    pid: child.pid ?? 0,
    ask: (question, input) => ask(child, { question, input }),
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const gone = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGKILL')
      await gone
    },
  }
}

function ask(child: ChildProcess, message: { question: string; input: unknown }): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void): void => {
      clearTimeout(timer)
      child.off('message', hear).off('exit', left)
      act()
    }
    const fail = (why: string): void => settle(() => reject(new Error(`${message.question}: ${why}`)))
    const hear = ({ ok, error }: { ok?: unknown; error?: string }): void =>
      error === undefined ? settle(() => resolve(ok)) : fail(error)
    const left = (): void => fail('its process ended')
    const timer = setTimeout(() => fail('no answer in time'), mostMs)
    child.on('message', hear).on('exit', left)
    child.send(message)
  })
}
