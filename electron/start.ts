import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { binaryAt, reasonAgainst } from './start-rules.ts'

/*
 * What `npm start` runs after the build: the tray app where Electron can run here, and else the same page in the browser, with the reason.
 */
const root = fileURLToPath(new URL('..', import.meta.url))
const electron = join(root, 'node_modules/electron')

/** Electron's binary; fetched if it is not here yet. Undefined where it cannot be had. */
function findElectron(): string | undefined {
  const found = binaryAt(electron, readFile)
  if (found !== undefined && existsSync(found)) return found
  const manifest = readFile(join(electron, 'package.json'))
  if (manifest === undefined) return undefined
  const { version } = JSON.parse(manifest) as { version: string }
  say(`Downloading Electron ${version}, about 110 MB, from github.com. It is needed once.`)
  const limit = { timeout: 10 * 60_000 }
  const { status } = spawnSync(process.execPath, [join(electron, 'install.js')], {
    stdio: ['ignore', 'inherit', 'ignore'],
    ...limit,
  })
  return status === 0 ? binaryAt(electron, readFile) : undefined
}

function readFile(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined
}

function say(words: string): void {
  process.stdout.write(`${words}\n`)
}

function run(program: string, args: readonly string[]): void {
  const child = spawn(program, args, { stdio: 'inherit' })
  child.once('error', (error) => {
    say(`It could not be started: ${error.message}.`)
    process.exitCode = 1
  })
  child.once('exit', (code, signal) => (process.exitCode = code ?? (signal === 'SIGINT' ? 0 : 1)))
}

const { platform, env } = process
const reason = reasonAgainst({ platform, env, user: process.getuid?.() })
const binary = reason === undefined ? findElectron() : undefined
if (binary === undefined) {
  say(`The tray app does not run here: ${reason ?? 'Electron could not be downloaded'}.`)
  say('The same page opens in your browser instead.')
  run(process.execPath, [join(root, 'dist/command.cjs'), 'ui'])
} else {
  say('The tray app starts. Its icon is in the bar of the system; Quit is in its menu.')
  run(binary, [root])
}
