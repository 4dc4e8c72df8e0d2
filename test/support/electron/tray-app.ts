import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Page } from '@playwright/test'
import type { TemporaryHome } from '../temporary-home.ts'
import type { Answer, Recorder } from './recorder.ts'

/** The tray app under test, however it runs. */
export interface TrayApp {
  readonly runsOn: 'Electron' | 'the double'
  readonly pid: number
  /** The page of its window. */
  window(): Promise<Page>
  /** Asks what was shown, or does what the person does. */
  ask<Name extends keyof Recorder>(name: Name, ...given: Parameters<Recorder[Name]>): Promise<Answer<Name>>
  /** Asks until the answer fits, and gives it. */
  until<Name extends keyof Recorder>(
    name: Name,
    fits: (answer: Answer<Name>) => boolean,
  ): Promise<Answer<Name>>
  /** Resolves with the exit code when it has ended. */
  readonly exited: Promise<number | null>
  /** Ends it, as the system does at the end of a session, if it has not ended yet. */
  close(): Promise<void>
}

export interface TrayAppOptions {
  readonly home: TemporaryHome
  readonly args?: readonly string[]
}

/** The folder of this repository, whose manifest names the built main bundle. */
export const root = fileURLToPath(new URL('../../../', import.meta.url))

/** Electron's own binary, where this machine has it. */
export function electronBinary(): string | undefined {
  const folder = join(root, 'node_modules/electron')
  const named = join(folder, 'path.txt')
  const binary = existsSync(named) ? join(folder, 'dist', readFileSync(named, 'utf8')) : undefined
  return binary !== undefined && existsSync(binary) ? binary : undefined
}

/** Starts the built main bundle, on Electron where it is there and on the double elsewhere. */
export async function startTrayApp(options: TrayAppOptions): Promise<TrayApp> {
  const binary = electronBinary()
  if (binary === undefined) {
    const { startOnDouble } = await import('./on-double.ts')
    return await startOnDouble(options)
  }
  const { startOnElectron } = await import('./on-electron.ts')
  return await startOnElectron(options, binary)
}

/** The `until` of an app that can be asked. */
export function untilOf(ask: TrayApp['ask']): TrayApp['until'] {
  const read = ask as (name: keyof Recorder) => Promise<never>
  return (name, fits) => untilFits(() => read(name), fits)
}

/** Asks again and again; a test that hangs here ends with the answer it had last. */
export async function untilFits<T>(ask: () => Promise<T>, fits: (answer: T) => boolean): Promise<T> {
  const deadline = performance.now() + 20_000
  for (;;) {
    const answer = await ask()
    if (fits(answer)) return answer
    if (performance.now() > deadline) throw new Error(`it stayed ${JSON.stringify(answer)}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
