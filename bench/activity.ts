import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRecorder } from '../bridge/activity/call-recorder.ts'
import { DayWriter } from '../bridge/activity/day-writer.ts'
import { createFollowers } from '../bridge/activity/followers.ts'
import { systemClock } from '../bridge/system-clock.ts'

/** What recording a call costs, with its line on disk: CPU time of the whole process, in microseconds for a call. */
const rounds = 12
const callsInRound = 100_000
const callsAtOnce = 200

const folder = await mkdtemp(join(tmpdir(), 'bridgekeeper-bench-'))
const writer = new DayWriter({
  folder,
  clock: systemClock,
  limits: () => ({ keepDays: 30, maxBytes: 64 * 1024 * 1024 }),
  failed(error) {
    throw error
  },
  worksAgain: () => undefined,
})
const recorder = createRecorder({
  clock: systemClock,
  followers: createFollowers(systemClock),
  write: (at, line) => writer.add(at, line),
  wantsPayload: () => false,
})

async function measureRound(): Promise<number> {
  const before = process.cpuUsage()
  for (let done = 0; done < callsInRound; done += callsAtOnce) {
    for (let one = 0; one < callsAtOnce; one++) {
      // A new string each time, as from a message.
      const name = `tool_${(done + one) % 50}`
      const call = recorder.begin({
        client: 'claude-desktop',
        connection: 'linear',
        method: 'tools/call',
        name,
        face: 'http',
        requestBytes: 230 + one,
      })
      call.end({ outcome: 'answered', status: 200, bytes: 1000 + (done % 777) })
    }
    await new Promise((resolve) => setImmediate(resolve))
  }
  await writer.flush()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / callsInRound
}

const costs: number[] = []
for (let round = 0; round < rounds; round++) costs.push(await measureRound())
const [least = 0, ...others] = costs.toSorted((one, other) => one - other)
const median = others[Math.floor(rounds / 2) - 1] ?? least
const most = others.at(-1) ?? least
process.stdout.write(
  `recording a call: ${median.toFixed(2)} us of CPU (${least.toFixed(2)} to ${most.toFixed(2)} in ${rounds} rounds)\n`,
)
await writer.close()
await rm(folder, { recursive: true })
