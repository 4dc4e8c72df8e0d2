import { execFile, execFileSync, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { onTestFinished } from 'vitest'
import { temporaryFolder } from './surroundings.ts'

const run = promisify(execFile)

/** Why a real keychain cannot be tested here; undefined where it can. */
export const noRealKeychain: string | undefined = missing()

function missing(): string | undefined {
  if (process.platform !== 'linux') return 'the Secret Service is a thing of Linux'
  for (const program of ['dbus-daemon', 'dbus-send', 'gnome-keyring-daemon']) {
    try {
      execFileSync('which', [program], { stdio: 'ignore' })
    } catch {
      return `${program} is not installed`
    }
  }
  return undefined
}

/** A D-Bus session of its own, ended with the test. `env` is what a program needs to be in it. */
export interface Session {
  readonly env: NodeJS.ProcessEnv
  /** A folder that a keyring of this session lives in. */
  readonly folder: string
}

/** Services that hang: whoever asks for one waits until it is there, and it never is. */
export type Hanging = 'org.freedesktop.secrets' | 'org.gnome.keyring.SystemPrompter'

/** Starts a D-Bus session without services, or with one that hangs and leaves a file `asked` in the session's folder. */
export async function startSession(hanging?: Hanging): Promise<Session> {
  const folder = await temporaryFolder()
  const services = join(folder, 'services')
  await mkdir(services)
  if (hanging) {
    const command = `/bin/sh -c "touch ${folder}/asked; exec sleep 5"`
    const service = `[D-BUS Service]\nName=${hanging}\nExec=${command}\n`
    await writeFile(join(services, `${hanging}.service`), service)
  }
  const configuration = join(folder, 'session.conf')
  await writeFile(
    configuration,
    `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
      "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
    <busconfig>
      <type>session</type>
      <listen>unix:dir=${folder}</listen>
      <auth>EXTERNAL</auth>
      <servicedir>${services}</servicedir>
      <policy context="default"><allow send_destination="*"/><allow eavesdrop="true"/><allow own="*"/></policy>
    </busconfig>`,
  )
  const bus = spawn('dbus-daemon', ['--nofork', '--print-address=1', `--config-file=${configuration}`], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  endWithTest(bus)
  const [address] = (await once(createInterface(bus.stdout), 'line')) as [string]
  const env = {
    PATH: process.env['PATH'],
    HOME: folder,
    XDG_DATA_HOME: join(folder, 'data'),
    XDG_RUNTIME_DIR: join(folder, 'run'),
    DBUS_SESSION_BUS_ADDRESS: address,
  }
  await mkdir(env.XDG_DATA_HOME, { mode: 0o700, recursive: true })
  await mkdir(env.XDG_RUNTIME_DIR, { mode: 0o700, recursive: true })
  return { env, folder }
}

/** Starts GNOME's keyring in a session. Resolves with what ends it. */
export async function startKeyring(
  session: Session,
  { unlocked }: { unlocked: boolean },
): Promise<() => Promise<void>> {
  const options = unlocked ? ['--unlock'] : []
  const daemon = spawn('gnome-keyring-daemon', ['--foreground', '--components=secrets', ...options], {
    env: session.env,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  endWithTest(daemon)
  daemon.stdin.end('the password of the keyring')
  while (!(await isThere(session))) await new Promise(setImmediate)
  return async () => {
    const ended = once(daemon, 'exit')
    daemon.kill('SIGKILL')
    await ended
    while (await isThere(session)) await new Promise(setImmediate)
  }
}

async function isThere({ env }: Session): Promise<boolean> {
  const question = ['--print-reply', '--dest=org.freedesktop.DBus', '/', 'org.freedesktop.DBus.NameHasOwner']
  const { stdout } = await run('dbus-send', ['--session', ...question, 'string:org.freedesktop.secrets'], {
    env,
  })
  return stdout.includes('boolean true')
}

/** Runs one expression on an item of the keyring, as another program of the user would. */
export async function onItem(session: Session, account: string, expression: string): Promise<unknown> {
  const program = `
    const { Entry } = require('@napi-rs/keyring')
    const entry = new Entry('bridgekeeper', ${JSON.stringify(account)}, { linux: { store: 'secret-service' } })
    process.stdout.write(JSON.stringify({ value: ${expression} }))`
  const cwd = resolve(import.meta.dirname, '../../../..')
  const { stdout } = await run(process.execPath, ['-e', program], { cwd, env: session.env })
  return (JSON.parse(stdout) as { value: unknown }).value
}

/** A process that stands in for the child that asks the keychain. `body` sees the request as `request`. */
export async function standInChild(body: string): Promise<string> {
  const file = join(await temporaryFolder(), 'stand-in.mjs')
  await writeFile(file, `process.once('message', async (request) => { ${body} })\n`)
  return file
}

function endWithTest(child: ChildProcess): void {
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  })
}
