import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { z } from 'zod'
import { KeyReference } from './key-reference.ts'

const FORMAT = 'bridgekeeper-vault'
const FORMAT_VERSION = 1

/** Random 96-bit nonces, a fresh one for every sealing: safe for 2^32 of them with one key (NIST SP 800-38D §8.3). */
const NONCE_BYTES = 12
const TAG_BYTES = 16

/** AES-256-GCM: `data` is the ciphertext followed by the tag, both base64. */
const Sealed = z.strictObject({ nonce: z.base64(), data: z.base64() })
type Sealed = z.infer<typeof Sealed>

const SealedRecord = z.strictObject({
  kind: z.string(),
  id: z.string(),
  version: z.int().min(1),
  ...Sealed.shape,
})
/** A record as it stands in the file: kind, id and version are readable, the value is not. */
export type SealedRecord = z.infer<typeof SealedRecord>

/** A record in memory. `text` is its value as JSON. */
export interface PlainRecord {
  readonly kind: string
  readonly id: string
  readonly version: number
  readonly text: string
}

const Envelope = z.strictObject({
  format: z.literal(FORMAT),
  version: z.literal(FORMAT_VERSION),
  key: KeyReference,
  records: z.array(SealedRecord),
  /** The digest of all above, sealed: it shows whether a key is the right one, and that nobody mixed two files. */
  seal: Sealed,
  /** The digest of all above, plain: it tells a damaged file from a wrong key before any key is asked for. */
  checksum: z.base64(),
})
/** The vault file, read but not opened. */
export type Envelope = z.infer<typeof Envelope>

/** What a file's bytes are; `why` is for a person. */
export type Decoded =
  | { readonly is: 'envelope'; readonly envelope: Envelope }
  | { readonly is: 'torn'; readonly why: string }
  | { readonly is: 'foreign'; readonly why: string }

/** What a key makes of an envelope. */
export type Opened =
  | { readonly is: 'opened'; readonly records: PlainRecord[] }
  | { readonly is: 'wrong-key' }
  | { readonly is: 'torn'; readonly why: string }

/** Seals a record with a fresh nonce, bound to its kind, id and version: it opens in no other place. */
export function sealRecord(key: KeyObject, record: PlainRecord): SealedRecord {
  const { kind, id, version, text } = record
  return { kind, id, version, ...seal(key, bindingOf(record), Buffer.from(text)) }
}

/** The file's bytes. The records must be sealed with the same key. */
export function encodeEnvelope(
  key: KeyObject,
  reference: KeyReference,
  records: readonly SealedRecord[],
): Buffer {
  const content = { format: FORMAT, version: FORMAT_VERSION, key: reference, records }
  const sealed = { ...content, seal: seal(key, [FORMAT, FORMAT_VERSION], digest(content)) }
  return Buffer.from(`${JSON.stringify({ ...sealed, checksum: digest(sealed).toString('base64') })}\n`)
}

/** Reads a file's bytes as far as that goes without the key. Never throws. */
export function decodeEnvelope(bytes: Uint8Array): Decoded {
  const file = parseJson(Buffer.from(bytes).toString('utf8'))
  if (file === undefined) return { is: 'torn', why: 'it is incomplete or not JSON' }
  const marked = z.looseObject({ format: z.literal(FORMAT), version: z.unknown() }).safeParse(file)
  if (!marked.success) return { is: 'foreign', why: 'it does not have the mark of a vault' }
  const { version } = marked.data
  if (typeof version === 'number' && version > FORMAT_VERSION) {
    return { is: 'foreign', why: 'a newer version of Bridgekeeper wrote it' }
  }
  const { success, data: envelope } = Envelope.safeParse(file)
  if (!success) return { is: 'torn', why: 'a part of it is missing or misshapen' }
  const { checksum, ...sealed } = envelope
  if (checksum !== digest(sealed).toString('base64')) return { is: 'torn', why: 'its checksum is wrong' }
  return { is: 'envelope', envelope }
}

/** Opens every record, or says what is wrong with the envelope. Never throws, never gives a part of the records. */
export function openEnvelope(key: KeyObject, envelope: Envelope): Opened {
  const { checksum: _, seal, ...content } = envelope
  const sealedDigest = unseal(key, [FORMAT, FORMAT_VERSION], seal)
  if (!sealedDigest) return { is: 'wrong-key' }
  if (!sealedDigest.equals(digest(content))) return { is: 'torn', why: 'parts of it belong to another file' }
  const records: PlainRecord[] = []
  for (const sealed of content.records) {
    const { kind, id, version } = sealed
    const text = unseal(key, bindingOf(sealed), sealed)?.toString('utf8')
    if (text === undefined) return { is: 'torn', why: `the record ${kind}/${id} cannot be opened` }
    records.push({ kind, id, version, text })
  }
  return { is: 'opened', records }
}

function bindingOf({ kind, id, version }: Omit<PlainRecord, 'text'>): unknown[] {
  return [FORMAT, FORMAT_VERSION, kind, id, version]
}

function seal(key: KeyObject, binding: unknown[], plain: Uint8Array): Sealed {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
  cipher.setAAD(Buffer.from(JSON.stringify(binding)))
  const data = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()])
  return { nonce: nonce.toString('base64'), data: data.toString('base64') }
}

function unseal(key: KeyObject, binding: unknown[], sealed: Sealed): Buffer | undefined {
  const nonce = Buffer.from(sealed.nonce, 'base64')
  const data = Buffer.from(sealed.data, 'base64')
  // A shorter tag would be easier to forge.
  if (nonce.length !== NONCE_BYTES || data.length < TAG_BYTES) return undefined
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES })
  decipher.setAAD(Buffer.from(JSON.stringify(binding)))
  decipher.setAuthTag(data.subarray(data.length - TAG_BYTES))
  const plain = decipher.update(data.subarray(0, data.length - TAG_BYTES))
  try {
    return Buffer.concat([plain, decipher.final()])
  } catch {
    return undefined
  }
}

/** SHA-256 over the values in the order of their keys' names, whatever order an object has them in. */
function digest(value: unknown): Buffer {
  return createHash('sha256').update(JSON.stringify(value, inOrder)).digest()
}

function inOrder(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
