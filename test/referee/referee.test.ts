import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openCourt, type Court, type Revision } from './court.ts'
import type { Judgement } from './judgement.ts'
import { findNewerNode } from '../support/newer-node.ts'
import { routes, unmapped, type Route } from './unmapped.ts'

const node = await findNewerNode()
const unavailable = 'missing' in node ? ` (not run: ${node.missing})` : ''
const minutes = 60_000

describe.skipIf(unavailable !== '')(`the conformance suite of MCP${unavailable}`, () => {
  let court: Court
  beforeAll(async () => {
    if ('path' in node) court = await openCourt(node.path)
  }, minutes)
  afterAll(() => court?.close())

  describe('judges a client that knows no auth, behind the bridge', () => {
    it.each<[Revision, number]>([
      ['2026-07-28', 32],
      ['2025-11-25', 18],
    ])(
      'and finds all that is required of %s (%i scenarios)',
      async (revision, scenarios) => {
        const judgement = await court.judgeClient(revision)
        expect(faultsIn(judgement)).toEqual([])
        expect(judgement.required).toHaveLength(scenarios)
      },
      10 * minutes,
    )

    it(
      'and finds that servers of 2025-03-26 can be used (2 scenarios)',
      async () => {
        const judgement = await court.judgeBackwardCompatibility()
        expect(faultsIn(judgement)).toEqual([])
        expect(judgement.required).toHaveLength(2)
      },
      3 * minutes,
    )
  })

  describe('judges a conforming server at its local endpoint', () => {
    it.each<[Revision, number]>([
      ['2026-07-28', 37],
      ['2025-11-25', 30],
    ])(
      'and finds all that is required of %s (%i scenarios), check by check the same as without the bridge',
      async (revision, scenarios) => {
        const { direct, bridged, differences } = await court.judgeServer(revision)
        expect([...faultsIn(direct), ...faultsIn(bridged)]).toEqual([])
        expect(differences).toEqual([])
        expect(direct.required).toHaveLength(scenarios)
      },
      5 * minutes,
    )
  })

  describe('judges a conforming server by routes that change more than bytes', () => {
    it.each<[Route, Revision]>([
      ['stdio', '2026-07-28'],
      ['stdio', '2025-11-25'],
      ['translation', '2026-07-28'],
      ['translation', '2025-11-25'],
    ])(
      'and finds through %s all that is required of %s, but for what is known not to map',
      async (route, revision) => {
        const { judgement, surprises } = await court.judgeRoute(route, revision)
        const told = faultsIn(judgement).filter((fault) => surprises.some((name) => fault.includes(name)))
        expect([...surprises, ...told]).toEqual([])
      },
      5 * minutes,
    )
  })
})

describe('what does not map', () => {
  it('is told with its reason in docs/testing.md, and nothing else is', async () => {
    const docs = await readFile(new URL('../../docs/testing.md', import.meta.url), 'utf8')
    const [, section = ''] = docs.split(/^## What the conformance suite cannot see .*$/m)
    const told = section
      .split(/^## /m, 1)
      .join('')
      .split('\n')
      .map((row) => row.split('|').map((cell) => cell.trim()))
      .flatMap(([, where, scenario, reason]) =>
        scenario?.startsWith('`') ? [[where, scenario.slice(1, -1), reason]] : [],
      )
    const known = Object.entries(unmapped).flatMap(([route, revisions]) =>
      Object.entries(revisions).flatMap(([revision, scenarios]) =>
        Object.entries(scenarios).map(([name, { reason }]) => [
          `${revision}, ${routes[route as Route]}`,
          name,
          reason,
        ]),
      ),
    )
    expect(told).toEqual(known)
  })
})

function faultsIn({ title, required }: Judgement): string[] {
  return required.flatMap(({ scenario, faults }) => faults.map((fault) => `${title}: ${scenario}: ${fault}`))
}
