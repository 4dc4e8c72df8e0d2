import { lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { environmentPort, parsePort, settingsFile } from '../../bridge/settings-file.ts'
import { Settings } from '../../shared/settings.ts'

let folder: string
let file: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bk-settings-'))
  file = join(folder, 'settings.json')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const defaults = Settings.parse({})

describe('the settings file', () => {
  it('has its defaults when it is missing', async () => {
    expect(await settingsFile(file).read()).toEqual(defaults)
    expect(await readdir(folder)).toEqual([])
  })

  it('gives what it says and defaults for the rest', async () => {
    await writeFile(file, '\uFEFF{ "port": 4000 }')
    expect(await settingsFile(file).read()).toEqual({ ...defaults, port: 4000 })
  })

  it.each([
    ['text that is not JSON', '{\n  "port": 1,\n  "logLevel": info\n}', 'settings.broken', 'line 3'],
    ['an end too early', '{ "port": 1', 'settings.broken', 'line 1'],
    ['nothing', '', 'settings.broken', 'line 1'],
    ['a list', '[]', 'settings.broken', 'JSON object'],
    ['a key that there is not', '{ "prot": 1 }', 'settings.unknown_key', 'prot'],
    ['a value of the wrong type', '{ "port": "1" }', 'settings.value_invalid', 'port'],
    ['a value out of range', '{ "port": 70000 }', 'settings.value_invalid', 'port'],
    ['a value not among the choices', '{ "keyStore": "cloud" }', 'settings.value_invalid', 'keyStore'],
    [
      'a metadata URL over http',
      '{ "registration.metadataUrl": "http://a.example/" }',
      'settings.value_invalid',
      'registration',
    ],
  ])('with %s is refused by name and stays as it is', async (_, content, code, detail) => {
    await writeFile(file, content)
    const failure = { code, detail: expect.stringContaining(detail) }
    await expect(settingsFile(file).read()).rejects.toMatchObject(failure)
    await expect(settingsFile(file).set('logLevel', 'debug')).rejects.toMatchObject(failure)
    expect(await readFile(file, 'utf8')).toBe(content)
  })

  it('that cannot be read is refused by name', async () => {
    await mkdir(file)
    await expect(settingsFile(file).read()).rejects.toMatchObject({ code: 'settings.broken' })
  })
})

describe('setting a setting', () => {
  it.each([
    ['port', '0', 0],
    ['keyStore', 'key-file', 'key-file'],
    ['browser', 'firefox --new-window %s', 'firefox --new-window %s'],
    ['browser', '123', '123'],
    ['stepUp.waitSeconds', '5', 5],
    ['registration.metadataUrl', 'https://a.example/client.json', 'https://a.example/client.json'],
  ])('reads %s %j by its type', async (key, text, value) => {
    expect(await settingsFile(file).set(key, text)).toEqual({ ...defaults, [key]: value })
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({ [key]: value })
    expect(await settingsFile(file).read()).toMatchObject({ [key]: value })
  })

  it('keeps the other keys, writes no defaults and leaves no other file', async () => {
    await writeFile(file, '{"logLevel":"debug"}')
    await settingsFile(file).set('port', '4000')
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({ logLevel: 'debug', port: 4000 })
    expect(await readdir(folder)).toEqual(['settings.json'])
    expect((await stat(file)).mode & 0o077).toBe(process.platform === 'win32' ? 0o066 : 0)
  })

  it.skipIf(process.platform === 'win32')('follows a link to the file, and keeps it', async () => {
    const target = join(folder, 'elsewhere.json')
    await writeFile(target, '{"logLevel":"debug"}')
    await symlink(target, file)
    await settingsFile(file).set('port', '4000')
    expect((await lstat(file)).isSymbolicLink()).toBe(true)
    expect(JSON.parse(await readFile(target, 'utf8'))).toEqual({ logLevel: 'debug', port: 4000 })
  })

  it('returns to the default with an empty text', async () => {
    const settings = settingsFile(file)
    await settings.set('browser', 'firefox')
    expect(await settings.set('browser', '')).toEqual(defaults)
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({})
  })

  it.each([
    ['prot', '1', 'settings.unknown_key'],
    ['__proto__', '1', 'settings.unknown_key'],
    ['toString', '1', 'settings.unknown_key'],
    ['port', 'many', 'settings.value_invalid'],
    ['port', '-1', 'settings.value_invalid'],
    ['port', '1.5', 'settings.value_invalid'],
    ['port', 'null', 'settings.value_invalid'],
    ['logLevel', 'loud', 'settings.value_invalid'],
  ])('refuses %s %j and writes nothing', async (key, text, code) => {
    await expect(settingsFile(file).set(key, text)).rejects.toMatchObject({ code })
    expect(await readdir(folder)).toEqual([])
  })

  it('loses nothing when many are set at once', async () => {
    const settings = settingsFile(file)
    const failing = settings.set('port', 'many').catch(() => 'refused')
    await Promise.all([
      settings.set('port', '1'),
      settings.set('logLevel', 'warn'),
      settings.set('browser', 'b'),
    ])
    expect(await failing).toBe('refused')
    expect(await settings.read()).toEqual({ ...defaults, port: 1, logLevel: 'warn', browser: 'b' })
  })

  it('says so when the file cannot be written', async () => {
    const missing = settingsFile(join(folder, 'gone', 'settings.json'))
    await expect(missing.set('port', '1')).rejects.toMatchObject({ code: 'bridge.home_unwritable' })
  })
})

describe('BRIDGEKEEPER_PORT', () => {
  it('is a port, or not there', () => {
    expect(environmentPort({ BRIDGEKEEPER_PORT: '0' })).toBe(0)
    expect(environmentPort({})).toBeUndefined()
    expect(environmentPort({ BRIDGEKEEPER_PORT: '' })).toBeUndefined()
  })

  it.each(['http', '-1', '65536', '1e3', ' 1', '0x10', '1.5'])('is refused as %j', (port) => {
    expect(() => environmentPort({ BRIDGEKEEPER_PORT: port })).toThrow(
      expect.objectContaining({
        code: 'settings.value_invalid',
        detail: expect.stringContaining('BRIDGEKEEPER_PORT'),
      }),
    )
  })

  it('is read like --port', () => {
    expect(parsePort('47330', '--port')).toBe(47_330)
    expect(() => parsePort('', '--port')).toThrow(expect.objectContaining({ code: 'settings.value_invalid' }))
  })
})
