import { access, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { writeBrowserCommand } from '../support/browser-command.ts'
import { createBrowserPort, createPretendBrowser } from '../support/browser.ts'
import { sendHtml, startLoopback, type Loopback } from '../support/loopback.ts'
import { findPlanted } from '../support/planted.ts'
import { startNode, startScript } from '../support/process.ts'
import { createTemporaryHome, type TemporaryHome } from '../support/temporary-home.ts'

async function makeHome(): Promise<TemporaryHome> {
  const home = await createTemporaryHome()
  onTestFinished(() => home.remove())
  return home
}

async function startSite(pages: Record<string, { location?: string; cookie?: string }>): Promise<Loopback> {
  const site = await startLoopback()
  onTestFinished(() => site.close())
  site.mount(({ res, url }) => {
    const page = pages[url.pathname]
    if (!page) return false
    if (page.cookie !== undefined) res.setHeader('set-cookie', page.cookie)
    if (page.location === undefined) sendHtml(res, 200, 'arrived')
    else res.writeHead(302, { location: page.location }).end()
    return true
  })
  return site
}

describe('the pretend browser', () => {
  it('follows redirects and keeps cookies by path', async () => {
    const site = await startSite({
      '/start': { location: '/a/next', cookie: 'wide=1; Path=/' },
      '/a/next': { location: '/b/end', cookie: 'narrow=2; Path=/a' },
      '/b/end': {},
    })
    const browser = createPretendBrowser()
    const { url, status, page, hops } = await browser.approve(`${site.origin}/start`)
    expect([url.pathname, status, page, hops.length]).toEqual(['/b/end', 200, 'arrived', 3])
    expect(site.requestsOf('/b/end')[0]?.headers.cookie).toBe('wide=1')
    await browser.visit(`${site.origin}/a/next`)
    expect(site.requestsOf('/a/next')[1]?.headers.cookie).toBe('wide=1; narrow=2')
  })

  it('drops a cookie that is taken back', async () => {
    const site = await startSite({
      '/in': { location: '/out', cookie: 'session=1; Path=/' },
      '/out': { location: '/end', cookie: 'session=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT' },
      '/end': {},
    })
    await createPretendBrowser().visit(`${site.origin}/in`)
    expect(site.requestsOf('/end')[0]?.headers.cookie).toBe('')
  })

  it('stops at the callback without going there, if it is asked to', async () => {
    const site = await startSite({ '/start': { location: '/callback?code=1' }, '/callback': {} })
    const start = `${site.origin}/start?redirect_uri=${encodeURIComponent(`${site.origin}/callback`)}`
    const { url, status } = await createPretendBrowser().approve(start, { stopAtCallback: true })
    expect([url.search, status]).toEqual(['?code=1', undefined])
    expect(site.requestsOf('/callback')).toEqual([])
  })

  it('goes nowhere but to this machine, and not in circles', async () => {
    const site = await startSite({
      '/away': { location: 'https://example.com/' },
      '/circle': { location: '/circle' },
    })
    await expect(createPretendBrowser().visit(`${site.origin}/away`)).rejects.toThrow(/example\.com/)
    await expect(createPretendBrowser().visit(`${site.origin}/circle`)).rejects.toThrow(/more than/)
  })

  it('stands in for the port of the bridge, which does not wait for it', async () => {
    const port = createBrowserPort(() => Promise.reject(new Error('closed')))
    await expect(port.open(new URL('http://127.0.0.1:1/'))).resolves.toBeUndefined()
    expect(port.opened).toHaveLength(1)
  })

  it.skipIf(process.platform === 'win32')('can be run as a program', async () => {
    const site = await startSite({ '/start': { location: '/end' }, '/end': {} })
    const home = await makeHome()
    const command = await writeBrowserCommand(home.folder)
    const script = `process.exitCode = (await import('node:child_process')).spawnSync(process.argv[1], [process.argv[2]]).status`
    const url = `${site.origin}/start`
    const running = startNode(['--input-type=module', '-e', script, command, url], { env: home.env })
    // The program must not block the server of this process, so it is a child of a child.
    expect(await running.exited).toEqual({ code: 0, signal: null })
    expect(site.requestsOf('/end')).toHaveLength(1)
  })
})

describe('the search for planted secrets', () => {
  const secret = 'S3cret+/value=with "quotes" & ünicode????'

  it.each([
    ['plain', secret],
    ['percent', encodeURIComponent(secret)],
    ['form', new URLSearchParams({ token: secret }).toString()],
    ['json', JSON.stringify({ token: secret })],
    ['hex', Buffer.from(secret).toString('hex')],
    ['base64', Buffer.from(`client:${secret}`).toString('base64')],
    ['base64', Buffer.from(`client1:${secret} and more`).toString('base64')],
    ['base64url', Buffer.from(`client12:${secret}`).toString('base64url')],
  ])('finds one that is spelled %s', async (encoding, spelling) => {
    const findings = await findPlanted({
      secrets: { token: secret },
      outputs: { stdout: `before ${spelling} after` },
    })
    expect(findings.map((finding) => finding.encoding)).toContain(encoding)
    expect(JSON.stringify(findings)).not.toContain(secret)
  })

  it('finds one in a binary file deep in a folder, and in a file name', async () => {
    const home = await makeHome()
    const plain = 'a-secret-of-some-length'
    await mkdir(join(home.folder, 'deep', 'er'), { recursive: true })
    const bytes = Buffer.concat([Buffer.from([0, 255, 0]), Buffer.from(plain), Buffer.from([254])])
    await writeFile(join(home.folder, 'deep', 'er', 'file.bin'), bytes)
    await writeFile(join(home.folder, plain), '')
    const findings = await findPlanted({ secrets: new Map([['token', plain]]), folders: [home.folder] })
    expect(findings.map(({ where }) => where).sort()).toEqual([plain, join('deep', 'er', 'file.bin')])
  })

  it('finds nothing where there is nothing, and refuses to look for what is everywhere', async () => {
    const outputs = { stdout: 'S3cret is not here' }
    expect(await findPlanted({ secrets: { token: secret }, outputs })).toEqual([])
    await expect(findPlanted({ secrets: { token: 'short' }, outputs })).rejects.toThrow(/too short/)
  })
})

describe('a process under test', () => {
  it('gives its lines, its JSON and its end', async () => {
    const home = await makeHome()
    const script = `
      console.log('not json'); console.log('{"event":"a"}'); console.error('a warning')
      process.stdin.on('data', (text) => console.log(JSON.stringify({ event: 'b', text: String(text) })))
      process.stdin.on('end', () => { process.exitCode = 7 })`
    const running = startNode(['-e', script], { env: home.env })
    expect(await running.json()).toEqual({ event: 'a' })
    running.write('hello')
    expect(await running.json((line) => line.event === 'b')).toEqual({ event: 'b', text: 'hello' })
    running.endInput()
    expect(await running.exited).toEqual({ code: 7, signal: null })
    expect(running.stderr.text()).toBe('a warning')
    await expect(running.json((line) => line.event === 'c')).rejects.toThrow(/a warning/)
  })

  it('can be TypeScript of this repository', async () => {
    const home = await makeHome()
    const script = join(home.folder, 'script.ts')
    await writeFile(script, 'const word: string = process.argv[2]; console.log(JSON.stringify({ word }))')
    const running = startScript(script, ['hello'], { env: home.env, cwd: home.folder })
    expect(await running.json()).toEqual({ word: 'hello' })
    await running.exited
  })

  it('can be killed', async () => {
    const home = await makeHome()
    const running = startNode(['-e', 'setInterval(() => {}, 1000)'], { env: home.env })
    expect(await running.kill()).toEqual({ code: null, signal: 'SIGKILL' })
  })

  it('sees nothing of this environment but what it needs', async () => {
    const home = await makeHome()
    const running = startNode(['-p', 'JSON.stringify(process.env)'], { env: home.env })
    const env = await running.json<Record<string, string>>()
    expect(env.HOME).toBe(join(home.folder, 'user'))
    expect(env).not.toHaveProperty('VITEST')
    expect(env).not.toHaveProperty('DBUS_SESSION_BUS_ADDRESS')
  })
})

describe('a temporary home', () => {
  it('is a folder of its own that goes away', async () => {
    const [one, other] = [await createTemporaryHome(), await createTemporaryHome()]
    expect(one.folder).not.toBe(other.folder)
    await writeFile(join(one.folder, 'file'), 'content')
    expect(await readFile(join(one.folder, 'file'), 'utf8')).toBe('content')
    await Promise.all([one.remove(), other.remove()])
    await expect(access(one.folder)).rejects.toMatchObject({ code: 'ENOENT' })
  })
})
