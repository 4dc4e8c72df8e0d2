import { chmod, mkdir, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { bridgePaths, ensureHome, systemPaths, type Surroundings } from '../../bridge/paths.ts'

const linux: Surroundings = { platform: 'linux', userHome: '/home/ann', user: '1000' }
const mac: Surroundings = { platform: 'darwin', userHome: '/Users/ann', user: '501' }
const windows: Surroundings = { platform: 'win32', userHome: String.raw`C:\Users\Ann`, user: 'Ann' }

describe('where the files are', () => {
  it('follows the conventions of Linux', () => {
    expect(bridgePaths(linux)).toEqual({
      home: '/home/ann/.local/share/bridgekeeper',
      vault: '/home/ann/.local/share/bridgekeeper/vault.sealed',
      settings: '/home/ann/.config/bridgekeeper/settings.json',
      keyFile: '/home/ann/.local/share/bridgekeeper/vault.key',
      logFile: '/home/ann/.local/state/bridgekeeper/bridge.log',
      socket: '/home/ann/.local/share/bridgekeeper/run/bridge.sock',
      pipes: '/home/ann/.local/share/bridgekeeper/run/stdio.sock',
      lock: '/home/ann/.local/share/bridgekeeper/run/lock',
    })
  })

  it('follows the conventions of macOS', () => {
    const paths = bridgePaths(mac)
    expect(paths.home).toBe('/Users/ann/Library/Application Support/bridgekeeper')
    expect(paths.settings).toBe('/Users/ann/Library/Preferences/bridgekeeper/settings.json')
    expect(paths.logFile).toBe('/Users/ann/Library/Logs/bridgekeeper/bridge.log')
    expect(paths.socket).toBe('/Users/ann/Library/Application Support/bridgekeeper/run/bridge.sock')
  })

  it('follows the conventions of Windows, with a pipe of its own for each user and home', () => {
    const paths = bridgePaths(windows)
    expect(paths.home).toBe(String.raw`C:\Users\Ann\AppData\Local\bridgekeeper\Data`)
    expect(paths.settings).toBe(String.raw`C:\Users\Ann\AppData\Roaming\bridgekeeper\Config\settings.json`)
    expect(paths.socket).toMatch(/^\\\\\.\\pipe\\bridgekeeper-[0-9a-f]{12}-[0-9a-f]{12}$/)
    const pipes = [
      paths,
      bridgePaths({ ...windows, user: 'Bob' }),
      bridgePaths({ ...windows, home: String.raw`D:\bk` }),
    ].map(({ socket }) => socket)
    expect(new Set(pipes).size).toBe(3)
  })

  it.each([linux, mac])('is one folder where BRIDGEKEEPER_HOME names one ($platform)', (surroundings) => {
    const { home, ...files } = bridgePaths({ ...surroundings, home: '/srv/bk' })
    expect(home).toBe('/srv/bk')
    for (const file of Object.values(files)) expect(file).toMatch(/^\/srv\/bk\//)
  })

  it('does not depend on HOME, XDG_* or TMPDIR, since client apps start commands without them', () => {
    const elsewhere = {
      HOME: '/x',
      XDG_DATA_HOME: '/x',
      XDG_RUNTIME_DIR: '/x',
      TMPDIR: '/x',
      LOCALAPPDATA: '/x',
    }
    const here = systemPaths({})
    for (const [name, value] of Object.entries(elsewhere)) vi.stubEnv(name, value)
    expect(systemPaths(elsewhere)).toEqual(here)
    vi.unstubAllEnvs()
  })

  it('takes an empty BRIDGEKEEPER_HOME for none, and makes a relative one absolute', () => {
    expect(systemPaths({ BRIDGEKEEPER_HOME: '' })).toEqual(systemPaths({}))
    expect(systemPaths({ BRIDGEKEEPER_HOME: 'bk' }).home).toBe(join(process.cwd(), 'bk'))
  })

  it('keeps every socket within the 103 bytes that all systems allow, and apart for each home and user', () => {
    const long = `/home/${'ä'.repeat(60)}`
    const one = bridgePaths({ ...linux, home: `${long}/1` })
    const other = bridgePaths({ ...linux, home: `${long}/2` })
    const foreign = bridgePaths({ ...linux, home: `${long}/1`, user: '1001' })
    expect(Buffer.byteLength(`${dirname(one.lock)}/.12345678/12345678`)).toBeLessThanOrEqual(103)
    expect(one.socket).toMatch(/^\/tmp\/bridgekeeper-1000-[0-9a-f]{12}\/bridge\.sock$/)
    expect(new Set([one.socket, other.socket, foreign.socket]).size).toBe(3)
    expect(one.vault).toBe(`${long}/1/vault.sealed`)
    for (let length = 1; length < 120; length += 1) {
      const { socket, lock } = bridgePaths({ ...linux, home: `/${'a'.repeat(length)}` })
      expect(Buffer.byteLength(socket)).toBeLessThanOrEqual(103)
      expect(Buffer.byteLength(`${dirname(lock)}/.12345678/12345678`)).toBeLessThanOrEqual(103)
    }
  })
})

describe.skipIf(process.platform === 'win32')('the folders of the bridge', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'bk-paths-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))
  const pathsIn = (home: string) => bridgePaths({ ...linux, user: 'test', home })
  const mode = async (path: string) => (await stat(path)).mode & 0o777

  it('are made for their owner alone', async () => {
    const paths = pathsIn(join(folder, 'a', 'b'))
    ensureHome(paths)
    expect(await mode(paths.home)).toBe(0o700)
    expect(await mode(dirname(paths.socket))).toBe(0o700)
  })

  it('are all made where the conventions keep them apart', async () => {
    const paths = bridgePaths({ ...linux, userHome: folder })
    ensureHome(paths)
    for (const file of [paths.vault, paths.settings, paths.logFile, paths.socket]) {
      expect(await mode(dirname(file))).toBe(0o700)
    }
  })

  it('keep the mode of a home that others may read, but not of the folder with the socket', async () => {
    const paths = pathsIn(folder)
    await chmod(folder, 0o755)
    await mkdir(dirname(paths.socket), { mode: 0o755 })
    ensureHome(paths)
    expect(await mode(folder)).toBe(0o755)
    expect(await mode(dirname(paths.socket))).toBe(0o700)
  })

  it.each([0o770, 0o707, 0o777])('are refused when others can write to them (mode %o)', async (open) => {
    await chmod(folder, open)
    expect(() => ensureHome(pathsIn(folder))).toThrow(
      expect.objectContaining({ code: 'bridge.home_exposed' }),
    )
  })

  it('are refused when the folder of the socket is a link to somewhere else', async () => {
    const paths = pathsIn(join(folder, 'home'))
    await mkdir(paths.home, { mode: 0o700 })
    await symlink(folder, dirname(paths.socket))
    expect(() => ensureHome(paths)).toThrow(expect.objectContaining({ code: 'bridge.home_exposed' }))
  })

  it('are refused by name when they cannot be made', async () => {
    await writeFile(join(folder, 'file'), '')
    const home = join(folder, 'file', 'home')
    expect(() => ensureHome(pathsIn(home))).toThrow(
      expect.objectContaining({ code: 'bridge.home_unwritable', detail: home }),
    )
  })
})
