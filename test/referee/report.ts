import type { RouteJudgement, ServerComparison } from './court.ts'
import type { Judgement, Verdict } from './judgement.ts'

/** Everything the referee said of the bridge. */
export interface Report {
  readonly clients: readonly Judgement[]
  readonly servers: readonly ServerComparison[]
  readonly routes: readonly RouteJudgement[]
}

/** Whether all that is required passed, but for what is known not to map, and the endpoint changed nothing of what a server does. */
export function isAcceptable({ clients, servers, routes }: Report): boolean {
  const judgements = [...clients, ...servers.flatMap(({ direct, bridged }) => [direct, bridged])]
  const isComplete = judgements.every(({ required }) => required.length > 0 && required.every(passed))
  const isAsKnown = routes.every(
    ({ judgement, surprises }) => judgement.required.length > 0 && surprises.length === 0,
  )
  return isComplete && isAsKnown && servers.every((server) => server.differences.length === 0)
}

/** The report as a table for people, with every fault of a required scenario below its run. */
export function formatReport({ clients, servers, routes }: Report): string {
  return [
    ...clients.flatMap((judgement) => formatJudgement(judgement)),
    ...servers.flatMap(({ direct, bridged, differences }) => [
      ...formatJudgement(direct),
      ...formatJudgement(bridged),
      differences.length === 0
        ? '  the same as direct, check by check'
        : `  differs from direct in: ${differences.join(', ')}`,
    ]),
    ...routes.flatMap(formatRoute),
  ].join('\n')
}

function formatRoute({ judgement, unmapped, surprises }: RouteJudgement): string[] {
  const excused = new Set(Object.keys(unmapped).filter((name) => !surprises.includes(name)))
  return [
    ...formatJudgement(judgement, excused),
    ...Object.entries(unmapped).map(([name, { reason }]) => `  does not map: ${name}\n      ${reason}`),
    ...(surprises.length > 0 ? [`  not as it is known: ${surprises.join(', ')}`] : []),
  ]
}

/** `excused` are the scenarios whose faults are told elsewhere. */
function formatJudgement(
  { title, required, unscored }: Judgement,
  excused: ReadonlySet<string> = new Set(),
): string[] {
  const score = `required ${count(required)}${unscored.length > 0 ? `, not scored ${count(unscored)}` : ''}`
  const failed = required.filter((verdict) => !passed(verdict) && !excused.has(verdict.scenario))
  const repeated = required.filter(({ tries }) => tries > 1)
  const missed = unscored.filter((verdict) => !passed(verdict)).map(({ scenario }) => scenario)
  return [
    `${failed.length === 0 ? '✓' : '✗'} ${title.padEnd(40)} ${score}`,
    ...failed.flatMap(({ scenario, faults }) => [
      `  ✗ ${scenario}`,
      ...faults.map((fault) => `      ${fault}`),
    ]),
    ...repeated.map(({ scenario, tries }) => `  ${scenario} measures time and took ${tries} tries`),
    ...(missed.length > 0 ? [`  not scored and not passed: ${missed.join(', ')}`] : []),
  ]
}

function count(verdicts: readonly Verdict[]): string {
  return `${verdicts.filter(passed).length}/${verdicts.length}`
}

function passed({ faults }: Verdict): boolean {
  return faults.length === 0
}
