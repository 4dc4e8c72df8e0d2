const UNITS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1000],
] as const

/** A moment as a person says it, such as `in 5 minutes` or `2 hours ago`. Both are milliseconds since the epoch. */
export function relativeTime(moment: number, now: number): string {
  const distance = Math.abs(moment - now)
  const span = duration(distance)
  if (span === undefined) return 'now'
  return moment > now ? `in ${span}` : `${span} ago`
}

function duration(ms: number): string | undefined {
  for (const [unit, size] of UNITS) {
    const count = Math.floor(ms / size)
    if (count > 0) return `${count} ${unit}${count === 1 ? '' : 's'}`
  }
  return undefined
}

/** The time of day of a moment, for lines of a log. */
export function timeOfDay(moment: number): string {
  return new Date(moment).toTimeString().slice(0, 8)
}
