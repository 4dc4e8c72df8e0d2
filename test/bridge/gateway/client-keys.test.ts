import fc from 'fast-check'
import { ZodError } from 'zod'
import { describe, expect, it } from 'vitest'
import { clientKeyRecords, openClientKeys } from '../../../bridge/gateway/client-keys.ts'
import type { Change, RecordKind, Vault } from '../../../bridge/vault/record.ts'
import { BridgeError } from '../../../shared/errors.ts'

/** A vault in memory whose writes take as long as the test wants. */
function memoryVault(
  onWrite: () => Promise<void> = () => Promise.resolve(),
): Vault & { readonly writes: Change[] } {
  const stored = new Map<string, unknown>()
  const writes: Change[] = []
  const place = (kind: RecordKind<unknown>, id: string): string => `${kind.name} ${id}`
  return {
    writes,
    read: (kind, id) => {
      const value = stored.get(place(kind, id))
      return value === undefined ? undefined : kind.parse(value, kind.version)
    },
    ids: (kind) =>
      [...stored.keys()]
        .filter((name) => name.startsWith(`${kind.name} `))
        .map((name) => name.slice(kind.name.length + 1)),
    async write(...changes) {
      await onWrite()
      writes.push(...changes)
      for (const { kind, id, value } of changes) stored.set(place(kind, id), value)
    },
    close: () => Promise.resolve(),
  }
}

describe('the key of a client app', () => {
  it('is made on first use and stays the same', async () => {
    const keys = openClientKeys(memoryVault())
    const first = await keys.keyFor('Claude Desktop')
    expect(await keys.keyFor('Claude Desktop')).toBe(first)
  })

  it('has at least 128 random bits in characters that a path takes as they are', async () => {
    const keys = openClientKeys(memoryVault())
    const made = await Promise.all(Array.from({ length: 50 }, (_, i) => keys.keyFor(`app ${i}`)))
    expect(new Set(made).size).toBe(50)
    for (const key of made) expect(key).toMatch(/^[A-Za-z0-9_-]{22,}$/)
  })

  it('is good for nothing before it is on disk', async () => {
    let release = (): void => undefined
    const keys = openClientKeys(memoryVault(() => new Promise((resolve) => (release = resolve))))
    let made: string | undefined
    const making = keys.keyFor('Cursor').then((key) => (made = key))
    await Promise.resolve()
    expect(made).toBeUndefined()
    release()
    expect(keys.clientOf(await making)).toBe('Cursor')
  })

  it('is one, however many ask for it at once', async () => {
    const vault = memoryVault()
    const keys = openClientKeys(vault)
    const made = await Promise.all(Array.from({ length: 20 }, () => keys.keyFor('Cursor')))
    expect(new Set(made).size).toBe(1)
    expect(vault.writes).toHaveLength(1)
  })

  it('is not given away when it could not be written, and can be asked for again', async () => {
    let isFull = true
    const keys = openClientKeys(
      memoryVault(() => (isFull ? Promise.reject(new BridgeError('vault.write_failed')) : Promise.resolve())),
    )
    await expect(keys.keyFor('Cursor')).rejects.toMatchObject({ code: 'vault.write_failed' })
    isFull = false
    expect(keys.clientOf(await keys.keyFor('Cursor'))).toBe('Cursor')
  })

  it('is known again after a restart', async () => {
    const vault = memoryVault()
    const key = await openClientKeys(vault).keyFor('Cursor')
    expect(openClientKeys(vault).clientOf(key)).toBe('Cursor')
  })

  it('tells client apps apart', async () => {
    const keys = openClientKeys(memoryVault())
    const [one, other] = [await keys.keyFor('Cursor'), await keys.keyFor('VS Code')]
    expect([keys.clientOf(one), keys.clientOf(other)]).toEqual(['Cursor', 'VS Code'])
  })

  it('is not known when a single character differs', async () => {
    const keys = openClientKeys(memoryVault())
    const key = await keys.keyFor('Cursor')
    fc.assert(
      fc.property(
        fc.nat(key.length - 1),
        fc.constantFrom('A', 'x', 'Z', '0', '9', '-', '_'),
        (at, character) => {
          const near = key.slice(0, at) + character + key.slice(at + 1)
          expect(keys.clientOf(near)).toBe(near === key ? 'Cursor' : undefined)
        },
      ),
    )
    for (const near of ['', key.slice(0, -1), `${key}A`, key.toLowerCase().toUpperCase(), ` ${key}`]) {
      expect(keys.clientOf(near)).toBeUndefined()
    }
  })
})

describe('the record of a client key', () => {
  it.each([{}, { key: 'short' }, { key: 'with a space, and long enough' }, null, 'text'])(
    'is never %j',
    (value) => {
      expect(() => clientKeyRecords.parse(value, 1)).toThrow(ZodError)
    },
  )
})
