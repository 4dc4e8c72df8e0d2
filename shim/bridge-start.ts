import type { ChildProcess, SpawnOptions } from 'node:child_process'

/** How the start of a bridge ended, where it failed. */
export interface StartFailure {
  readonly words: string
  readonly exitCode: number
}

/**
 * Starts the bridge in the background, where it outlives this process. `failed` is called when it says that it cannot run; that another one
 * runs already is no failure.
 */
export function startBridge(
  file: string,
  folders: { home: string; logFile: string },
  env: NodeJS.ProcessEnv,
  failed: (failure: StartFailure) => void,
): void {
  // Loaded only here: nearly every start finds a bridge.
  const { spawn } = process.getBuiltinModule('node:child_process')
  const { mkdirSync, openSync, closeSync } = process.getBuiltinModule('node:fs')
  let log: number | undefined
  let child: ChildProcess
  try {
    mkdirSync(folders.home, { recursive: true, mode: 0o700 })
    log = openLog(() => openSync(folders.logFile, 'a', 0o600))
    const options: SpawnOptions = {
      // Not the folder of the client app, which the bridge would keep in use.
      cwd: folders.home,
      env: env['BRIDGEKEEPER_HOME'] ? { ...env, BRIDGEKEEPER_HOME: folders.home } : env,
      detached: true,
      windowsHide: true,
      stdio: ['ignore', 'pipe', log ?? 'ignore'],
    }
    child = spawn(process.execPath, [file], options)
  } catch {
    return failed({ words: `the folder ${folders.home} cannot be used`, exitCode: 3 })
  } finally {
    if (log !== undefined) closeSync(log)
  }
  let line = ''
  child.stdout?.on('data', (piece: Buffer) => {
    line += piece.toString()
    // The bridge keeps its end open for as long as it lives.
    if (line.includes('\n')) child.stdout?.destroy()
  })
  child.on('error', () => failed({ words: 'its process could not be started', exitCode: 3 }))
  // After its first line its end is no failure of the start.
  child.on('close', (code) => {
    const words = failureIn(line)
    if (words !== undefined) failed({ words, exitCode: code || 70 })
  })
  child.unref()
}

/** A folder of logs that is not there yet is made by the bridge. */
function openLog(open: () => number): number | undefined {
  try {
    return open()
  } catch {
    return undefined
  }
}

/** Why a start failed, from the one line of JSON that a bridge says; undefined where it did not. */
function failureIn(line: string): string | undefined {
  try {
    const { event, code, message } = JSON.parse(line) as Record<string, string | undefined>
    return event === 'failed' ? (message ?? code) : undefined
  } catch {
    return 'it ended without a word; see its log'
  }
}
