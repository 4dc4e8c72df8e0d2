import { mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { describeThrown, openLog } from '../../bridge/log.ts'
import { Secret } from '../../bridge/secret.ts'
import { BridgeError } from '../../shared/errors.ts'

let folder: string
let file: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bk-log-'))
  file = join(folder, 'bridge.log')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const lines = async () =>
  (await readFile(file, 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

describe('the log', () => {
  it('holds every line of the level and above, in order, also those before it was loaded', async () => {
    const log = openLog({ file, level: 'info' })
    log.info('first', { connection: 'linear' })
    log.debug('not this')
    log.warn('second', { code: 'oauth.denied' })
    await log.close()
    expect(await lines()).toEqual([
      expect.objectContaining({
        level: 'info',
        msg: 'first',
        connection: 'linear',
        time: expect.any(String),
      }),
      expect.objectContaining({ level: 'warn', msg: 'second', code: 'oauth.denied' }),
    ])
  })

  it('follows a change of the level', async () => {
    const log = openLog({ file, level: 'error' })
    log.setLevel('debug')
    log.debug('now')
    await log.close()
    expect(await lines()).toHaveLength(1)
  })

  it.skipIf(process.platform === 'win32')('belongs to its owner alone', async () => {
    await writeFile(file, '', { mode: 0o644 })
    await openLog({ file, level: 'info' }).close()
    expect((await stat(file)).mode & 0o777).toBe(0o600)
  })

  it('begins anew when it has grown large, and keeps one older file', async () => {
    await writeFile(file, 'old')
    await truncate(file, 6 * 1024 * 1024)
    const log = openLog({ file, level: 'info' })
    log.info('new')
    await log.close()
    expect(await lines()).toHaveLength(1)
    expect((await stat(`${file}.1`)).size).toBe(6 * 1024 * 1024)
  })

  it('goes on after what it holds', async () => {
    for (const message of ['one', 'two']) {
      const log = openLog({ file, level: 'info' })
      log.info(message)
      await log.close()
    }
    expect(await lines()).toHaveLength(2)
  })

  it('shows nothing of a secret, wherever a caller by mistake put it', async () => {
    const log = openLog({ file, level: 'info' })
    const secret = 'planted-7f3a'
    log.info(`with Bearer ${secret}`, {
      accessToken: secret,
      nested: [
        { refresh_token: secret, client_secret: secret, deep: { deep: { deep: { deep: { x: secret } } } } },
      ],
      headers: {
        Authorization: `Bearer ${secret}`,
        cookie: secret,
        'x-api-key': secret,
        other: `DPoP ${secret}`,
      },
      url: new URL(`https://as.example/cb?code=${secret}&state=${secret}#access_token=${secret}`),
      link: `see http://127.0.0.1:1/cb?code=${secret}`,
      code: secret,
      wrapped: new Secret(secret),
      error: new Error(`failed with ${secret}`, { cause: new TypeError(secret) }),
      code_verifier: secret,
    })
    await log.close()
    const text = await readFile(file, 'utf8')
    expect(text).not.toContain(secret)
    expect(text).toContain('https://as.example/cb')
    expect(text).toContain('TypeError')
  })

  it('outlives values that cannot be written', async () => {
    const log = openLog({ file, level: 'info' })
    const round: Record<string, unknown> = { a: 1n }
    round['self'] = round
    log.info('round', round)
    await log.close()
    expect(await lines()).toHaveLength(1)
  })
})

describe('what is said of a thrown value', () => {
  it('is its kind, code and place', () => {
    const said = describeThrown(new BridgeError('oauth.denied', 'planted'))
    expect(said).toMatchObject({ error: 'BridgeError', code: 'oauth.denied' })
    expect(said['stack']).toEqual(expect.arrayContaining([expect.stringContaining('log.test.ts')]))
    expect(JSON.stringify(said)).not.toContain('planted')
  })

  it('is little for what is no error', () => {
    expect(describeThrown('planted')).toEqual({ error: 'string' })
  })

  it('does not repeat lines of a message that look like places', () => {
    const said = describeThrown(new Error('a\n    at planted'))
    expect(JSON.stringify(said)).not.toContain('planted')
  })
})
