import { useEffect, useState } from 'react'

const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto', style: 'short' })
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })

const units: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
]

/** A moment, in milliseconds since the epoch, as people say it: "2 min. ago". */
export function inWords(at: number, now: number): string {
  const difference = at - now
  for (const [unit, ms] of units) {
    if (Math.abs(difference) >= ms) return relative.format(Math.trunc(difference / ms), unit)
  }
  return difference > 0 ? 'in a moment' : 'just now'
}

/** A moment in words, exact where the pointer rests. It follows the time. */
export function Time({ at }: { readonly at: number }) {
  const now = useNow()
  return (
    <time dateTime={new Date(at).toISOString()} title={exact.format(at)}>
      {inWords(at, now)}
    </time>
  )
}

/** The present, renewed often enough for words in minutes, or as often as is said. */
export function useNow(tickMs = 20_000): number {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), tickMs)
    return () => clearInterval(timer)
  }, [tickMs])
  return now
}
