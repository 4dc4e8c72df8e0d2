import type { Check, Leg, Requirements, Scenario } from './conformance.ts'
import { endingFault } from './ending.ts'
import type { Unmapped } from './unmapped.ts'

/** What became of one scenario. It passed when there are no faults. */
export interface Verdict {
  readonly scenario: string
  readonly faults: readonly string[]
  /** More than one where the scenario has time limits of its own and the machine was slow. */
  readonly tries: number
}

/** One run of the referee. */
export interface Judgement {
  readonly title: string
  readonly required: readonly Verdict[]
  /** Extensions and scenarios that came later: run, shown, and without weight. */
  readonly unscored: readonly Verdict[]
}

/** Stricter than the referee's own exit code, which passes over warnings, clients that failed, and scenarios without a single check. */
export function faultsOf(leg: Leg, { name, checks, ending }: Scenario): string[] {
  const broken = checks.filter(({ status }) => status === 'FAILURE' || status === 'WARNING').map(describe)
  const unjudged = checks.length === 0 ? ['the referee made no check'] : []
  const badEnding = leg === 'client' ? endingFault(name, ending) : undefined
  return [...broken, ...unjudged, ...(badEnding === undefined ? [] : [badEnding])]
}

/** Sorts verdicts by what is required. A required scenario that was not run at all is a fault of its own. */
export function judgementOf(
  title: string,
  { required, unscored }: Requirements,
  verdicts: readonly Verdict[],
): Judgement {
  const verdictOn = (scenario: string): Verdict =>
    verdicts.find((verdict) => verdict.scenario === scenario) ?? {
      scenario,
      faults: ['it was not run'],
      tries: 0,
    }
  return { title, required: required.map(verdictOn), unscored: unscored.map(verdictOn) }
}

/** Scenarios in which the two runs do not agree, check by check. */
export function differences(direct: readonly Scenario[], bridged: readonly Scenario[]): string[] {
  const names = new Set([...direct, ...bridged].map(({ name }) => name))
  return [...names].filter((name) => signature(direct, name) !== signature(bridged, name)).sort()
}

/** The required scenarios in which not just the checks fail that are known not to pass there. */
export function surprisesIn({ required }: Judgement, known: Unmapped): string[] {
  const faults = new Map(required.map((verdict) => [verdict.scenario, verdict.faults]))
  const names = new Set([...faults.keys(), ...Object.keys(known)])
  return [...names].filter((name) => !isAsKnown(faults.get(name) ?? [], known[name]?.checks)).sort()
}

/** Whether these are the faults of just these checks. */
export function isAsKnown(faults: readonly string[], checks: readonly string[] = []): boolean {
  const failed = new Set(faults.map((fault) => fault.split(/[ :]/, 1).join('')))
  return failed.size === checks.length && checks.every((check) => failed.has(check))
}

function signature(scenarios: readonly Scenario[], wanted: string): string {
  const checks = scenarios.find(({ name }) => name === wanted)?.checks ?? []
  return checks
    .map(({ id, name, status }) => `${id} ${name} ${status}`)
    .sort()
    .join('\n')
}

function describe({ id, status, errorMessage, description }: Check): string {
  return `${id}${status === 'WARNING' ? ' (warning)' : ''}: ${errorMessage ?? description}`
}
