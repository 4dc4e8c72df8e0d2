import { z } from 'zod'
import { BridgeError, type ErrorCode } from '../../shared/errors.ts'
import type { ControlClient } from '../../bridge/control/client.ts'
import { actAsClient, type Assignment } from './client-actions.ts'
import type { Ending } from './ending.ts'
import { seatPerson, type Person } from './person.ts'
import { startBridge } from './referee-bridge.ts'
import { takeSeat } from './seats.ts'

// The command that the referee starts for each scenario with the address of its server: a bridge, a person before it who signs in, and an MCP
// client behind it that knows nothing of auth. The last line says how it ended.

const limitMs = 90_000

const ClientIdentity = z.object({ client_id: z.string(), client_secret: z.string().optional() })

const { env } = process
const [serverUrl = ''] = process.argv.slice(2)
const assignment: Assignment = {
  scenario: env['MCP_CONFORMANCE_SCENARIO'] ?? '',
  revision: env['MCP_CONFORMANCE_PROTOCOL_VERSION'] ?? '',
  context: JSON.parse(env['MCP_CONFORMANCE_CONTEXT'] ?? 'null') as unknown,
}

// Nothing else may slow down a client whose punctuality is measured.
await takeSeat(Number(env['REFEREE_SEATS']), assignment.scenario === 'sse-retry' ? 'all' : 'one')
const ending = await play(env['REFEREE_BRIDGE'] ?? '')
console.log(JSON.stringify(ending))
process.exit(ending.well ? 0 : 1)

async function play(builtBridge: string): Promise<Ending> {
  const bridge = await startBridge(builtBridge)
  try {
    await Promise.race([signInAndUse(bridge.control), timeLimit()])
    return { well: true }
  } catch (thrown) {
    console.error(thrown)
    return { well: false, ...(thrown instanceof BridgeError ? { code: thrown.code } : {}) }
  } finally {
    await bridge.close()
  }
}

function timeLimit(): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`it took longer than ${limitMs} ms`)), limitMs).unref()
  })
}

async function signInAndUse(control: ControlClient): Promise<void> {
  const { connection } = await control.connections.add({ url: serverUrl, ...ownIdentity(assignment) })
  const person = await seatPerson(control, connection.id)
  try {
    await person.signIn()
    const { url } = await control.connections.endpoint({ id: connection.id, client: 'referee' })
    await useEndpoint(url, person)
  } finally {
    person.leave()
  }
}

/** Uses the endpoint; where the access ends meanwhile the person is asked to sign in anew, and the client starts again. */
async function useEndpoint(url: string, person: Person): Promise<void> {
  try {
    await actAsClient(url, assignment)
  } catch (thrown) {
    if (!endsAccess(thrown)) throw thrown
    await person.isAskedToSignIn
    await person.signIn()
    await actAsClient(url, assignment)
  }
}

function endsAccess(thrown: unknown): boolean {
  const codes: ErrorCode[] = ['oauth.refresh_rejected', 'oauth.expired', 'discovery.issuer_changed']
  return thrown instanceof BridgeError && codes.includes(thrown.code)
}

/** What a user would bring: an own client where the scenario gives one, else the address of a metadata document. */
function ownIdentity({ context }: Assignment) {
  const given = ClientIdentity.safeParse(context)
  if (!given.success) return { metadataUrl: 'https://conformance-test.local/client-metadata.json' }
  const { client_id: clientId, client_secret: clientSecret } = given.data
  return { clientId, ...(clientSecret === undefined ? {} : { clientSecret }) }
}
