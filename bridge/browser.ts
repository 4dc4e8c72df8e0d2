import { spawn } from 'node:child_process'
import { win32 } from 'node:path'
import { BridgeError } from '../shared/errors.ts'
import type { Browser } from './ports.ts'

/** How long a browser's command may take to fail before it counts as started, in milliseconds. */
const SETTLE_MS = 1000

/**
 * The person's browser: `command` where one is given, else what the system opens URLs with.
 * A command is split like a shell would, quotes included, but no shell runs: the URL, put at `%s` or at the end, is one argument
 * whatever it holds. Only http(s) URLs pass, in their normalized spelling, so that none can be taken for an option or a program.
 */
export function systemBrowser(options: {
  command?: string | undefined
  platform: NodeJS.Platform
  env: NodeJS.ProcessEnv
}): Browser {
  return {
    async open(url) {
      if (url.protocol !== 'https:' && url.protocol !== 'http:') {
        throw new BridgeError('browser.failed', 'only http and https addresses are opened')
      }
      const [program, ...args] = commandFor(url.href, options)
      if (!program) throw new BridgeError('browser.failed', 'the browser command is empty')
      await start(program, args, withoutOurs(options.env))
    },
  }
}

/** The command that opens `href`, as program and arguments. */
export function commandFor(
  href: string,
  {
    command,
    platform,
    env,
  }: { command?: string | undefined; platform: NodeJS.Platform; env: NodeJS.ProcessEnv },
): string[] {
  if (command?.trim()) {
    const parts = splitCommand(command, platform)
    const hasPlace = parts.slice(1).some((part) => part.includes('%s'))
    // A function, since `$&` and the like have a meaning in a replacement text.
    return hasPlace
      ? parts.map((part, index) => (index === 0 ? part : part.replaceAll('%s', () => href)))
      : [...parts, href]
  }
  switch (platform) {
    case 'darwin':
      return ['/usr/bin/open', href]
    case 'win32':
      // Not `start`, which is a word of the shell.
      return [
        win32.join(env['SystemRoot'] ?? String.raw`C:\Windows`, 'System32', 'rundll32.exe'),
        'url.dll,FileProtocolHandler',
        href,
      ]
    default:
      return ['xdg-open', href]
  }
}

/** Splits at white space outside of quotes. A backslash guards the next character, but on Windows it is part of paths. */
export function splitCommand(command: string, platform: NodeJS.Platform): string[] {
  const parts: string[] = []
  let part: string | undefined
  let quote: string | undefined
  for (let at = 0; at < command.length; at += 1) {
    const character = command.charAt(at)
    if (character === quote) quote = undefined
    else if (quote === undefined && (character === '"' || character === "'")) {
      quote = character
      part ??= ''
    } else if (character === '\\' && quote !== "'" && platform !== 'win32' && at + 1 < command.length) {
      at += 1
      part = (part ?? '') + command.charAt(at)
    } else if (quote === undefined && /\s/.test(character)) {
      if (part !== undefined) parts.push(part)
      part = undefined
    } else part = (part ?? '') + character
  }
  if (part !== undefined) parts.push(part)
  return parts
}

async function start(program: string, args: string[], env: NodeJS.ProcessEnv): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const fail = (cause: unknown) =>
      reject(new BridgeError('browser.failed', `${program} could not open it`, { cause }))
    try {
      const child = spawn(program, args, { detached: true, stdio: 'ignore', env, windowsHide: true })
      const settled = setTimeout(resolve, SETTLE_MS)
      child.once('error', fail)
      child.once('exit', (code) => {
        clearTimeout(settled)
        if (code === 0) resolve()
        else fail(`exit code ${code}`)
      })
      child.unref()
    } catch (error) {
      // Windows refuses batch files at once, since their arguments cannot be quoted safely.
      fail(error)
    }
  })
}

/** The environment without what is meant for the bridge alone, such as the vault's passphrase. */
function withoutOurs(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(
      ([name]) => !name.startsWith('BRIDGEKEEPER_') && name !== 'ELECTRON_RUN_AS_NODE',
    ),
  )
}
