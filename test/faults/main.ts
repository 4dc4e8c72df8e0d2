import { callOnExpiredToken } from './expired-burst.ts'
import { killDuringRotations, seededRandom } from './rotation-kill.ts'

// `npm run faults [runs] [seed]`: a burst of calls on an expired token, then the full count of kills, two lanes side by side.
const runs = Number(process.argv[2] ?? 500)
const seed = Number(process.argv[3] ?? Date.now())
const burst = await callOnExpiredToken(1000)
console.log(
  `${burst.calls} concurrent calls on an expired token: ${burst.refreshes} refresh request, ${burst.failed} failed calls`,
)

const lanes = await Promise.all(
  [0, 1].map((lane) => killDuringRotations(Math.ceil(runs / 2), seededRandom(seed + lane))),
)
const counts = new Map<string, number>()
for (const outcome of lanes.flat()) {
  const name = typeof outcome === 'string' ? outcome : `DEFECT: ${outcome.defect}`
  counts.set(name, (counts.get(name) ?? 0) + 1)
}
console.log(`${lanes.flat().length} kills (SIGKILL) at random moments of a rotation, seed ${seed}`)
for (const [name, count] of counts) console.log(`${String(count).padStart(6)}  ${name}`)
const isWell = burst.refreshes === 1 && burst.failed === 0
process.exitCode = isWell && lanes.flat().every((outcome) => typeof outcome === 'string') ? 0 : 1
