import type { Revision } from './court.ts'

/** The ways to a server that change more than bytes, by their names in reports. */
export const routes = { stdio: 'through stdio', translation: 'through translation' } as const
export type Route = keyof typeof routes

/** By required scenario: the checks that cannot pass on a route, and why. */
export type Unmapped = Readonly<
  Record<string, { readonly checks: readonly string[]; readonly reason: string }>
>

const nameless =
  'It looks for the question by the name that a server of 2026-07-28 gave it. A question of a session has no name, so it gets one of the bridge’s.'

/**
 * All required scenarios that do not pass, with the checks that fail and the reason; docs/testing.md has the same. What passes and stands here is a mistake as much as
 * what fails and does not.
 */
export const unmapped: Readonly<Record<Route, Readonly<Record<Revision, Unmapped>>>> = {
  stdio: { '2026-07-28': {}, '2025-11-25': {} },
  translation: {
    '2026-07-28': {
      'server-stateless': {
        checks: ['sep-2575-server-rejects-undeclared-capability', 'sep-2575-missing-capability-http-400'],
        reason:
          'One of its rules: a tool that needs what the client cannot do ends in `-32021`. A server of sessions has no such error and says it in a result, in its own words.',
      },
      'input-required-result-basic-elicitation': {
        checks: ['sep-2322-elicitation-incomplete'],
        reason: nameless,
      },
      'input-required-result-ignore-extra-params': {
        checks: ['sep-2322-ignore-unexpected-params'],
        reason: nameless,
      },
    },
    '2025-11-25': {},
  },
}
