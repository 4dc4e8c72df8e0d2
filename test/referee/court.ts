import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'rolldown'
import { startConformingServer, type ConformingOptions, type ConformingServer } from './conforming/server.ts'
import { createReferee, type Leg, type Referee, type Scenario } from './conformance.ts'
import {
  differences,
  faultsOf,
  isAsKnown,
  judgementOf,
  surprisesIn,
  type Judgement,
  type Verdict,
} from './judgement.ts'
import { startBridge, type RefereeBridge } from './referee-bridge.ts'
import { openSeats, type Seats } from './seats.ts'
import { startStdioFront } from './stdio-front.ts'
import { routes, unmapped, type Route, type Unmapped } from './unmapped.ts'

/** The revisions of the specification that the referee has requirements for. */
export const revisions = ['2026-07-28', '2025-11-25'] as const
export type Revision = (typeof revisions)[number]

/** A server judged twice, and where the two results differ. */
export interface ServerComparison {
  readonly direct: Judgement
  readonly bridged: Judgement
  readonly differences: readonly string[]
}

/** A server judged by a route on which not everything maps. */
export interface RouteJudgement {
  readonly judgement: Judgement
  readonly unmapped: Unmapped
  /** Scenarios that fail and should not, and those that pass and are said not to. */
  readonly surprises: readonly string[]
}

/** The referee with everything that it needs to judge the bridge. */
export interface Court {
  /** Judges an MCP client that knows no auth, behind the bridge. */
  judgeClient(revision: Revision): Promise<Judgement>
  /** The same with servers of 2025-03-26, which knew no protected resource metadata. */
  judgeBackwardCompatibility(): Promise<Judgement>
  /** Judges a conforming server directly, and its local endpoint, where the server wants a bearer. */
  judgeServer(revision: Revision): Promise<ServerComparison>
  /** Judges what clients of this revision see of a conforming server by a route; through translation, of a server of the other era. */
  judgeRoute(route: Route, revision: Revision): Promise<RouteJudgement>
  close(): Promise<void>
}

/** Clients at work at once: each is two processes. */
const clientsAtOnce = 4

/** Scenarios that measure time, in windows of half a second. A busy machine can fail them, the bridge cannot make them pass. */
const timed = new Set(['sse-retry', 'server-stateless'])
const mostTries = 3

/** For a client, its time in the queue included; the driver has a limit of its own. */
const clientMs = 9 * 60_000

const builtBridge = fileURLToPath(new URL('../../dist/bridge.js', import.meta.url))

/** Opens the court: builds the driver and prepares a folder for what the referee writes. `node` runs the referee. */
export async function openCourt(node: string): Promise<Court> {
  const folder = await mkdtemp(join(tmpdir(), 'bridgekeeper-referee-'))
  await buildDriver(folder)
  const referee = createReferee(node, folder)
  const seats = await openSeats(clientsAtOnce)
  return {
    judgeClient: (revision) => judgeClient(referee, seats, revision),
    judgeBackwardCompatibility: () => judgeBackwardCompatibility(referee, seats),
    judgeServer: (revision) => judgeServer(referee, revision),
    judgeRoute: (route, revision) => judgeRoute(referee, route, revision),
    async close() {
      await seats.close()
      await rm(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

/** One file that starts in a fraction of the time that the sources would take, sixty times. */
async function buildDriver(folder: string): Promise<void> {
  await build({
    input: fileURLToPath(new URL('driver.ts', import.meta.url)),
    platform: 'node',
    logLevel: 'warn',
    output: { dir: folder, format: 'esm', entryFileNames: 'driver.mjs', chunkFileNames: '[name]-[hash].mjs' },
  })
}

async function judgeClient(referee: Referee, seats: Seats, revision: Revision): Promise<Judgement> {
  const requirements = await referee.requirements(revision, 'client')
  const play = clientRun(referee, seats)
  const scenarios = await repeatTimed('client', await play('--requirements', revision), (name) =>
    play('--scenario', name, '--spec-version', revision, '--force'),
  )
  return judgementOf(
    `client ${revision}, behind the bridge`,
    requirements,
    scenarios.map(verdictIn('client')),
  )
}

async function judgeBackwardCompatibility(referee: Referee, seats: Seats): Promise<Judgement> {
  const scenarios = await clientRun(referee, seats)('--suite', 'backcompat')
  const requirements = { required: scenarios.map(({ name }) => name).sort(), unscored: [] }
  return judgementOf(
    `client 2025-03-26, behind the bridge`,
    requirements,
    scenarios.map((scenario) => verdictIn('client')({ ...scenario, tries: 1 })),
  )
}

function clientRun(referee: Referee, { port }: Seats): (...selection: string[]) => Promise<Scenario[]> {
  const env = { REFEREE_BRIDGE: builtBridge, REFEREE_SEATS: String(port) }
  return (...selection) =>
    referee.judge(
      // The referee splits the command at spaces; the driver lies in its working directory.
      ['client', '--command', 'node driver.mjs', '--timeout', String(clientMs), ...selection],
      env,
    )
}

async function judgeServer(referee: Referee, revision: Revision): Promise<ServerComparison> {
  const requirements = await referee.requirements(revision, 'server')
  return await behindBridge({}, async ({ server, endpoint }) => {
    const direct = await judgeAddress(referee, server.openUrl.href, revision)
    const bridged = await judgeAddress(referee, endpoint, revision)
    const judgement = (where: string, scenarios: Tried[]): Judgement =>
      judgementOf(`server ${revision}, ${where}`, requirements, scenarios.map(verdictIn('server')))
    return {
      direct: judgement('direct', direct),
      bridged: judgement('through the bridge', bridged),
      differences: differences(direct, bridged),
    }
  })
}

async function judgeRoute(referee: Referee, route: Route, revision: Revision): Promise<RouteJudgement> {
  const requirements = await referee.requirements(revision, 'server')
  const known = unmapped[route][revision]
  const otherEra = revision === '2026-07-28' ? 'session' : 'modern'
  const scenarios = await behindBridge(
    { era: route === 'translation' ? otherEra : undefined },
    async ({ bridge, connection, endpoint }) => {
      if (route === 'translation') return await judgeAddress(referee, endpoint, revision, known)
      const front = await startStdioFront(connection, bridge.env)
      try {
        return await judgeAddress(referee, front.url, revision, known)
      } finally {
        await front.close()
      }
    },
  )
  const title = `server ${revision}, ${routes[route]}`
  const judgement = judgementOf(title, requirements, scenarios.map(verdictIn('server')))
  return { judgement, unmapped: known, surprises: surprisesIn(judgement, known) }
}

interface Scene {
  readonly server: ConformingServer
  readonly bridge: RefereeBridge
  /** The id of the connection to the server, and its local endpoint. */
  readonly connection: string
  readonly endpoint: string
}

/** Does something with a conforming server and a bridge that is connected to it. */
async function behindBridge<T>(
  options: Omit<ConformingOptions, 'bearer'>,
  use: (scene: Scene) => Promise<T>,
): Promise<T> {
  const bearer = 'referee-bearer'
  const server = await startConformingServer({ ...options, bearer })
  const bridge = await startBridge(builtBridge)
  try {
    const { connection } = await bridge.control.connections.add({ url: server.guardedUrl.href, bearer })
    const { url } = await bridge.control.connections.endpoint({ id: connection.id, client: 'referee' })
    return await use({ server, bridge, connection: connection.id, endpoint: url })
  } finally {
    await bridge.close()
    await server.close()
  }
}

async function judgeAddress(
  referee: Referee,
  url: string,
  revision: Revision,
  known: Unmapped = {},
): Promise<Tried[]> {
  const play = (...selection: string[]): Promise<Scenario[]> =>
    referee.judge(['server', '--url', url, ...selection])
  return await repeatTimed(
    'server',
    await play('--requirements', revision),
    (name) => play('--scenario', name, '--spec-version', revision, '--force'),
    known,
  )
}

type Tried = Scenario & { readonly tries: number }

const verdictIn =
  (leg: Leg) =>
  (scenario: Tried): Verdict => ({
    scenario: scenario.name,
    faults: faultsOf(leg, scenario),
    tries: scenario.tries,
  })

/** Runs what measures time and failed otherwise than it is known to once more, alone. */
async function repeatTimed(
  leg: Leg,
  scenarios: readonly Scenario[],
  again: (name: string) => Promise<Scenario[]>,
  known: Unmapped = {},
): Promise<Tried[]> {
  const isFine = (scenario: Tried): boolean =>
    isAsKnown(faultsOf(leg, scenario), known[scenario.name]?.checks)
  const tried: Tried[] = []
  for (const first of scenarios) {
    let scenario: Tried = { ...first, tries: 1 }
    while (timed.has(first.name) && !isFine(scenario) && scenario.tries < mostTries) {
      const [next] = await again(first.name)
      scenario = { ...(next ?? first), tries: scenario.tries + 1 }
    }
    tried.push(scenario)
  }
  return tried
}
