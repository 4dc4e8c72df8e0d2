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

/**
 * The moment that a span typed as `90s`, `15m`, `1h` or `7d` reaches back to from now, or that a date or a time in ISO 8601 names.
 * Undefined where it is neither.
 */
export function parseMoment(typed: string, now: number): number | undefined {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(typed) ?? []
  if (count !== undefined && unit !== undefined) {
    return (
      now - Number(count) * { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[unit as 's' | 'm' | 'h' | 'd']
    )
  }
  const moment = /^\d{4}-\d\d-\d\d/.test(typed) ? Date.parse(typed) : Number.NaN
  return Number.isNaN(moment) ? undefined : moment
}

/** A moment in local time, with its date where that is not today's. */
export function localTime(moment: number, now: number): string {
  const date = new Date(moment)
  if (date.toDateString() === new Date(now).toDateString()) return timeOfDay(moment)
  const two = (value: number): string => String(value).padStart(2, '0')
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${timeOfDay(moment)}`
}

/** The time of day of a moment, for lines of a log. */
export function timeOfDay(moment: number): string {
  return new Date(moment).toTimeString().slice(0, 8)
}
