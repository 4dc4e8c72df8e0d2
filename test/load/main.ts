import { runLoad, type Round } from './load.ts'

/*
 * 50 shims and 50 HTTP clients on one bridge, 100,000 calls, each with a nonce: is one lost or crossed, and is it slower than with five of each?
 */

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN
const calls = (rounds: readonly Round[]): string => shown(median(rounds.map(({ perSecond }) => perSecond)))
const micros = (rounds: readonly Round[]): string =>
  median(rounds.map(({ bridgeMicros }) => bridgeMicros ?? Number.NaN)).toFixed(1)
const shown = (value: number): string => Math.round(value).toLocaleString('en')

const { made, lost, faults, server, ...rounds } = await runLoad({
  pairs: 50,
  fewPairs: 5,
  // As many for each client in both, so that all shims are equally warm.
  calls: 40_000,
  fewCalls: 4_000,
  rounds: 4,
  limitMs: 5 * 60_000,
})
// The first round warms up.
const few = rounds.few.slice(1)
const all = rounds.all.slice(1)
const ratio = median(all.map(({ perSecond }, round) => perSecond / (few[round]?.perSecond ?? Number.NaN)))
console.log(
  `calls made by 50 shims and 50 HTTP clients: ${shown(made)}, seen by the server: ${shown(server.calls)}`,
)
console.log(
  `lost: ${lost}, crossed or wrong: ${faults.length}, made twice: ${server.repeated}, refused: ${server.refused}`,
)
console.log(`calls per second: ${calls(few)} with 5 and 5, ${calls(all)} with 50 and 50`)
console.log(
  `the bridge's own time for a call: ${micros(few)} µs with 5 and 5, ${micros(all)} µs with 50 and 50`,
)
console.log(`ratio ${ratio.toFixed(2)}  (goal ≥ 0.9)`)
for (const fault of faults.slice(0, 20)) console.log(fault)
const isWhole = lost === 0 && faults.length === 0 && server.repeated === 0 && server.refused === 0
process.exitCode = isWhole && server.calls === made ? 0 : 1
