import { createServer } from 'node:net'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { sessionBus } from '../../../bridge/vault/session-bus.ts'
import { temporaryFolder } from './support/surroundings.ts'

/** A folder with a socket `bus` in it. */
async function folderWithBus(name = 'run'): Promise<string> {
  const folder = join(await temporaryFolder(), name)
  await mkdir(folder)
  const server = createServer()
  await new Promise<void>((listening) => {
    server.listen(join(folder, 'bus'), listening)
  })
  onTestFinished(() => void server.close())
  return folder
}

/** A user without a folder in /run/user. */
const nobody = 4_000_000_000

describe.skipIf(process.platform === 'win32')('the address of the D-Bus session', () => {
  it('is the one of the environment, as it stands', async () => {
    const address = `unix:guid=00,path=${join(await folderWithBus(), 'bus')}`
    expect(sessionBus({ DBUS_SESSION_BUS_ADDRESS: address }, nobody)).toBe(address)
  })

  it('counts as it stands where it names no socket that could be looked at', () => {
    for (const address of ['unix:abstract=/tmp/dbus-1', 'tcp:host=127.0.0.1,port=1']) {
      expect(sessionBus({ DBUS_SESSION_BUS_ADDRESS: address }, nobody)).toBe(address)
    }
  })

  it('may be one of several', async () => {
    const address = `unix:path=/nonexistent;unix:path=${join(await folderWithBus(), 'bus')}`
    expect(sessionBus({ DBUS_SESSION_BUS_ADDRESS: address }, nobody)).toBe(address)
  })

  it('is none when the environment names one that is not there, though another is', async () => {
    const env = { DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nonexistent', XDG_RUNTIME_DIR: await folderWithBus() }
    expect(sessionBus(env)).toBeUndefined()
  })

  it('is none when the environment names a plain file', async () => {
    const file = join(await temporaryFolder(), 'bus')
    await writeFile(file, '')
    expect(sessionBus({ DBUS_SESSION_BUS_ADDRESS: `unix:path=${file}` })).toBeUndefined()
  })

  it('is the socket of the runtime folder otherwise', async () => {
    const folder = await folderWithBus()
    expect(sessionBus({ XDG_RUNTIME_DIR: folder })).toBe(`unix:path=${folder}/bus`)
  })

  it('is written and read with the escapes of the specification', async () => {
    const folder = await folderWithBus('a b,é;%')
    const address = sessionBus({ XDG_RUNTIME_DIR: folder })
    expect(address).toMatch(/\/a%20b%2c%c3%a9%3b%25\/bus$/)
    expect(sessionBus({ DBUS_SESSION_BUS_ADDRESS: address })).toBe(address)
  })

  it('is never the socket of another user, which could collect keys', async () => {
    expect(sessionBus({ XDG_RUNTIME_DIR: await folderWithBus() }, nobody)).toBeUndefined()
  })

  it('is none on a machine without a session', () => {
    expect(sessionBus({}, nobody)).toBeUndefined()
    expect(sessionBus({ DBUS_SESSION_BUS_ADDRESS: '' }, nobody)).toBeUndefined()
  })
})
