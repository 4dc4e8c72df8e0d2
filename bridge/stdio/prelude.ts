import { z } from 'zod'
import { pipeVersion } from '../../shim/pipe-protocol.ts'

/** What a shim says before its client's first byte. */
export interface Prelude {
  readonly client: string
  readonly connection: string | undefined
  /** The last state of the bridge before, and the lines that came after it. */
  readonly state: Buffer
  readonly heard: Buffer
  /** How many bytes of what follows the bridge before had been told. */
  readonly said: number
  /** What follows. */
  readonly rest: Buffer
}

/** The longest greeting, and the most that may be brought from the bridge before, in bytes. */
const mostGreetingBytes = 4_096
const mostLegacyBytes = 32 * 1024 * 1024

const Length = z.int().min(0).max(mostLegacyBytes)
const Greeting = z.object({
  bridgekeeper: z.literal(pipeVersion),
  connection: z.string().max(200).optional(),
  client: z.string().min(1).max(100),
  resume: z.strictObject({ state: Length, heard: Length, said: z.int().min(0) }).optional(),
})

/** Reads the beginning of what a shim sends: `incomplete` as long as more must come, `invalid` for something that no shim of this version says. */
export function readPrelude(bytes: Buffer): Prelude | 'incomplete' | 'invalid' {
  const end = bytes.indexOf(0x0a)
  if (end < 0) return bytes.length > mostGreetingBytes ? 'invalid' : 'incomplete'
  const greeting = parseGreeting(bytes.subarray(0, end))
  if (!greeting) return 'invalid'
  const { client, connection, resume = { state: 0, heard: 0, said: 0 } } = greeting
  const stateEnd = end + 1 + resume.state
  const heardEnd = stateEnd + resume.heard
  if (bytes.length < heardEnd) return 'incomplete'
  return {
    client,
    connection,
    state: bytes.subarray(end + 1, stateEnd),
    heard: bytes.subarray(stateEnd, heardEnd),
    said: resume.said,
    rest: bytes.subarray(heardEnd),
  }
}

function parseGreeting(line: Buffer): z.infer<typeof Greeting> | undefined {
  try {
    return Greeting.safeParse(JSON.parse(line.toString())).data
  } catch {
    return undefined
  }
}
