import type { Clock } from './ports.ts'

/** The longest wait a timer of Node takes (2^31 - 1 ms); a longer one would fire at once. */
const longest = 2_147_483_647

/** The system's time. Its timers do not keep the process alive. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, run) {
    const timer = setTimeout(run, Math.min(Math.max(ms, 0), longest))
    timer.unref()
    return () => clearTimeout(timer)
  },
}
