import { createHash, createSecretKey, randomBytes } from 'node:crypto'
import { assert, constantFrom, array, jsonValue, nat, property, record, string, tuple } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeEnvelope, encodeEnvelope, openEnvelope, sealRecord } from '../../../bridge/vault/envelope.ts'
import type { Envelope, PlainRecord } from '../../../bridge/vault/envelope.ts'
import type { KeyReference } from '../../../bridge/vault/key-reference.ts'

const key = createSecretKey(randomBytes(32))
const reference: KeyReference = { kind: 'keychain', account: 'vault-key-0123456789abcdef' }

const anyText = string({ unit: 'binary' })
const anyRecord = record({
  kind: anyText,
  id: anyText,
  version: nat().map((n) => n + 1),
  text: jsonValue().map((value) => JSON.stringify(value)),
})

function sealAll(records: PlainRecord[], under = key): Buffer {
  return encodeEnvelope(
    under,
    reference,
    records.map((plain) => sealRecord(under, plain)),
  )
}

function envelopeOf(bytes: Uint8Array): Envelope {
  const decoded = decodeEnvelope(bytes)
  if (decoded.is !== 'envelope') throw new Error(`${decoded.is}: ${decoded.why}`)
  return decoded.envelope
}

/** What anybody can do who may write the file: put the plain checksum right after a change. */
function withChecksum(changed: Omit<Envelope, 'checksum'>): Envelope {
  const inOrder = (_: string, value: unknown): unknown =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value
  const checksum = createHash('sha256').update(JSON.stringify(changed, inOrder)).digest('base64')
  return envelopeOf(Buffer.from(JSON.stringify({ ...changed, checksum })))
}

function forge(change: (content: Omit<Envelope, 'checksum'>) => void, records: PlainRecord[]): Envelope {
  const { checksum: _, ...content } = structuredClone(envelopeOf(sealAll(records)))
  change(content)
  return withChecksum(content)
}

const two: PlainRecord[] = [
  { kind: 'grant', id: 'linear', version: 1, text: '"first"' },
  { kind: 'grant', id: 'notion', version: 1, text: '"second"' },
]

describe('the sealed envelope', () => {
  it('gives back every record as it was sealed', () => {
    assert(
      property(array(anyRecord), (records) => {
        expect(openEnvelope(key, envelopeOf(sealAll(records)))).toEqual({ is: 'opened', records })
      }),
    )
  })

  it('shows nothing of a value', () => {
    const text = JSON.stringify('a planted token')
    const bytes = sealAll([{ kind: 'grant', id: 'linear', version: 1, text }])
    expect(bytes.toString()).not.toContain('planted')
    expect(bytes.toString()).not.toContain(Buffer.from('a planted token').toString('base64').slice(0, 12))
  })

  it('never uses a nonce twice, not even for the same value', () => {
    const sealed = Array.from({ length: 1000 }, () => sealRecord(key, two[0] as PlainRecord))
    const nonces = new Set(sealed.map(({ nonce }) => nonce))
    expect(nonces.size).toBe(1000)
    for (const nonce of nonces) expect(Buffer.from(nonce, 'base64')).toHaveLength(12)
  })

  it('opens with no other key', () => {
    const envelope = envelopeOf(sealAll(two))
    expect(openEnvelope(createSecretKey(randomBytes(32)), envelope)).toEqual({ is: 'wrong-key' })
  })

  it('is damaged when any byte is another one, and never gives other records', () => {
    const bytes = sealAll(two)
    assert(
      property(nat(bytes.length - 2), nat(254), (at, change) => {
        const damaged = Buffer.from(bytes)
        damaged[at] = ((damaged[at] ?? 0) + 1 + change) % 256
        expect(decodeEnvelope(damaged).is).not.toBe('envelope')
      }),
      { numRuns: 3000 },
    )
  })

  it('is damaged when it ends too early', () => {
    const bytes = sealAll(two)
    for (let length = 0; length < bytes.length - 1; length += 1) {
      expect(decodeEnvelope(bytes.subarray(0, length)).is).toBe('torn')
    }
  })

  it('takes no bytes for a vault that are none', () => {
    assert(
      property(
        tuple(
          constantFrom('', '{"format":"bridgekeeper-vault"', '{"format":"bridgekeeper-vault","version":1'),
          anyText,
        ),
        ([start, rest]) => {
          expect(['torn', 'foreign']).toContain(decodeEnvelope(Buffer.from(start + rest)).is)
        },
      ),
    )
    assert(
      property(jsonValue(), (value) => {
        expect(decodeEnvelope(Buffer.from(JSON.stringify(value)))).toMatchObject({ is: 'foreign' })
      }),
    )
  })

  it('is foreign when a newer version wrote it, whatever else that version has changed', () => {
    const newer = { format: 'bridgekeeper-vault', version: 2, something: 'else' }
    expect(decodeEnvelope(Buffer.from(JSON.stringify(newer)))).toMatchObject({ is: 'foreign' })
  })

  it('refuses a header that asks for more memory than a key derivation may take', () => {
    const salt = randomBytes(32).toString('base64')
    const header = {
      kind: 'passphrase',
      kdf: 'scrypt',
      cost: 2 ** 17,
      blockSize: 8,
      parallelization: 1,
      salt,
    }
    const bytes = encodeEnvelope(key, header as KeyReference, [])
    expect(decodeEnvelope(bytes).is).toBe('envelope')
    const greedy = encodeEnvelope(key, { ...header, cost: 2 ** 30 } as unknown as KeyReference, [])
    expect(decodeEnvelope(greedy).is).toBe('torn')
  })
})

describe('the sealed envelope in the hands of somebody who can write the file but does not have the key', () => {
  const forgeries: [string, (content: Omit<Envelope, 'checksum'>) => void][] = [
    [
      'two records that changed places',
      ({ records: [a, b] }) => {
        if (a && b) [a.id, b.id] = [b.id, a.id]
      },
    ],
    ['a record under another id', ({ records: [a] }) => void (a && (a.id = 'other'))],
    ['a record of another kind', ({ records: [a] }) => void (a && (a.kind = 'registration'))],
    ['a record of another version', ({ records: [a] }) => void (a && (a.version = 2))],
    ['a record that is missing', ({ records }) => void records.pop()],
    ['a record that is there twice', ({ records }) => void records.push(...records.slice(0, 1))],
    ['records in another order', (content) => void (content.records = content.records.toReversed())],
    [
      'an older state of one record',
      ({ records }) => {
        records[0] = sealRecord(key, { ...(two[0] as PlainRecord), text: '"older"' })
      },
    ],
    [
      'a changed ciphertext',
      ({ records: [a] }) => {
        if (a)
          a.data = Buffer.concat([Buffer.from([0]), Buffer.from(a.data, 'base64').subarray(1)]).toString(
            'base64',
          )
      },
    ],
    [
      'a shortened tag',
      ({ records: [a] }) =>
        void (a && (a.data = Buffer.from(a.data, 'base64').subarray(0, -4).toString('base64'))),
    ],
    [
      'a nonce of another length',
      ({ records: [a] }) => void (a && (a.nonce = randomBytes(16).toString('base64'))),
    ],
    ['another header', (content) => void (content.key = { kind: 'key-file' })],
  ]

  it.each(forgeries)('is not opened with %s', (_, change) => {
    const opened = openEnvelope(key, forge(change, two))
    expect(opened.is).toBe('torn')
  })

  it('checks each record by itself too, bound to its kind, id and version', () => {
    assert(
      property(anyRecord, constantFrom('kind', 'id', 'version'), (plain, field) => {
        const sealed = sealRecord(key, plain)
        const moved = {
          ...sealed,
          [field]: field === 'version' ? plain.version + 1 : `${plain.kind}${plain.id}x`,
        }
        // Sealed around the moved record with the right key, so that only the record's own binding can tell.
        const envelope = envelopeOf(encodeEnvelope(key, reference, [moved]))
        expect(openEnvelope(key, envelope).is).toBe('torn')
      }),
    )
  })

  it('takes a foreign seal for a wrong key', () => {
    const other = envelopeOf(sealAll(two, createSecretKey(randomBytes(32))))
    expect(
      openEnvelope(
        key,
        forge((content) => (content.seal = other.seal), two),
      ).is,
    ).toBe('wrong-key')
  })
})
