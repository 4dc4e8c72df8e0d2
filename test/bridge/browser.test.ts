import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { commandFor, splitCommand, systemBrowser } from '../../bridge/browser.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bk browser-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const nasty = new URL(
  `https://as.example/a;touch$IFS"pwned"?x=$(touch pwned)&y=\`touch pwned\`&%s&'#|touch pwned`,
)

/** A program that writes its arguments and environment to a file, as a browser that a test can read. */
async function fakeBrowser(exitCode = 0): Promise<string> {
  const program = join(folder, 'my browser.mjs')
  const source = `#!${process.execPath}
    import { writeFileSync } from 'node:fs'
    const seen = JSON.stringify({ args: process.argv.slice(2), env: process.env })
    writeFileSync(${JSON.stringify(join(folder, 'seen.json'))}, seen)
    process.exit(${exitCode})`
  await writeFile(program, source)
  await chmod(program, 0o755)
  return program
}

const seen = async () =>
  JSON.parse(await readFile(join(folder, 'seen.json'), 'utf8')) as { args: string[]; env: NodeJS.ProcessEnv }

const browserWith = (command: string, env: NodeJS.ProcessEnv = process.env) =>
  systemBrowser({ command, platform: process.platform, env })

describe.skipIf(process.platform === 'win32')('opening the browser', () => {
  it('gives the command the URL as one argument, whatever it holds, and no shell reads it', async () => {
    await browserWith(`"${await fakeBrowser()}" --new "a b"`).open(nasty)
    expect((await seen()).args).toEqual(['--new', 'a b', nasty.href])
    expect((await readdir(folder)).sort()).toEqual(['my browser.mjs', 'seen.json'])
  })

  it('puts the URL at %s', async () => {
    await browserWith(`'${await fakeBrowser()}' --app=%s -x`).open(nasty)
    expect((await seen()).args).toEqual([`--app=${nasty.href}`, '-x'])
  })

  it('keeps what is meant for the bridge from the browser', async () => {
    const env = { ...process.env, BRIDGEKEEPER_PASSPHRASE: 'planted', LANG: 'C' }
    await browserWith(`"${await fakeBrowser()}"`, env).open(nasty)
    expect(JSON.stringify((await seen()).env)).not.toContain('planted')
    expect((await seen()).env['LANG']).toBe('C')
  })

  it.each(['file:///etc/passwd', 'javascript:alert(1)', 'vscode://x', 'data:text/html,x', 'ftp://a/'])(
    'refuses %s',
    async (url) => {
      const opening = browserWith(`"${await fakeBrowser()}"`).open(new URL(url))
      await expect(opening).rejects.toMatchObject({ code: 'browser.failed' })
      expect(await readdir(folder)).toEqual(['my browser.mjs'])
    },
  )

  it('says so when there is no such program', async () => {
    const opening = browserWith(join(folder, 'none')).open(nasty)
    await expect(opening).rejects.toMatchObject({ code: 'browser.failed' })
  })

  it('says so when the program fails at once', async () => {
    const opening = browserWith(`"${await fakeBrowser(3)}"`).open(nasty)
    await expect(opening).rejects.toMatchObject({ code: 'browser.failed' })
  })

  it('does not wait for a browser that stays open', async () => {
    const program = join(folder, 'stays.mjs')
    await writeFile(program, `#!${process.execPath}\nsetTimeout(() => {}, 20_000)`)
    await chmod(program, 0o755)
    await expect(browserWith(`"${program}"`).open(nasty)).resolves.toBeUndefined()
  })
})

describe('the command that opens a URL', () => {
  const href = 'https://as.example/?a=1&b=$&$1'

  it.each([
    ['darwin' as const, ['/usr/bin/open', href]],
    ['linux' as const, ['xdg-open', href]],
    ['win32' as const, [String.raw`C:\Windows\System32\rundll32.exe`, 'url.dll,FileProtocolHandler', href]],
  ])('is the one of the system on %s', (platform, command) => {
    expect(commandFor(href, { platform, env: {} })).toEqual(command)
    expect(commandFor(href, { platform, env: {}, command: ' ' })).toEqual(command)
  })

  it('keeps the URL whole where it holds what a replacement could take for a pattern', () => {
    expect(commandFor(href, { platform: 'linux', env: {}, command: 'x %s' })).toEqual(['x', href])
  })

  it('never lets the URL become the program', () => {
    expect(commandFor(href, { platform: 'linux', env: {}, command: '%s' })).toEqual(['%s', href])
  })
})

describe('splitting a command', () => {
  it.each([
    ['firefox', ['firefox']],
    ['  firefox   -P  a ', ['firefox', '-P', 'a']],
    [`"/opt/my browser/b" '-P x'`, ['/opt/my browser/b', '-P x']],
    [String.raw`/opt/my\ browser/b a\"b`, ['/opt/my browser/b', 'a"b']],
    [`a"b c"d ''`, ['ab cd', '']],
    ['a; rm -rf $HOME && b | c > d', ['a;', 'rm', '-rf', '$HOME', '&&', 'b', '|', 'c', '>', 'd']],
    ['', []],
  ])('of %j gives %j', (command, parts) => {
    expect(splitCommand(command, 'linux')).toEqual(parts)
  })

  it('takes a backslash as part of a path on Windows', () => {
    expect(splitCommand(String.raw`"C:\Program Files\b.exe" -x`, 'win32')).toEqual([
      String.raw`C:\Program Files\b.exe`,
      '-x',
    ])
  })
})
