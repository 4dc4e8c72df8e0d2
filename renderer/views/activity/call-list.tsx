import { useVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useRef, useSyncExternalStore } from 'react'
import type { ActivityCall, ActivityRecord } from '../../../shared/activity.ts'
import { OutcomeWord } from './outcome.tsx'

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' })
const day = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })

/** The rows; only those that can be seen are in the page. */
export function CallList({
  records,
  onChoose,
  onAway,
  onEnd,
}: {
  readonly records: readonly ActivityRecord[]
  readonly onChoose: (call: ActivityCall) => void
  /** Told whether the person has scrolled away from the newest rows. */
  readonly onAway: (isAway: boolean) => void
  /** Told when the oldest rows come into sight. */
  readonly onEnd: () => void
}) {
  const frame = useRef<HTMLDivElement>(null)
  const isWide = useIsWide()
  const rowHeight = isWide ? 37 : 57
  const rows = useVirtualizer({
    count: records.length,
    getScrollElement: () => frame.current,
    estimateSize: () => rowHeight,
    overscan: 12,
  })
  useEffect(() => rows.measure(), [rows, rowHeight])
  const shown = rows.getVirtualItems()
  const last = shown.at(-1)?.index ?? 0
  useEffect(() => {
    if (last >= records.length - 40) onEnd()
  }, [last, records.length, onEnd])
  return (
    <div
      ref={frame}
      role="region"
      aria-label="Calls"
      tabIndex={0}
      className="min-h-0 flex-1 overflow-y-auto outline-offset-[-2px]"
      onScroll={({ currentTarget }) => onAway(currentTarget.scrollTop > rowHeight)}
    >
      <ol className="relative" style={{ height: rows.getTotalSize() }}>
        {shown.map(({ index, start, size }) => {
          const record = records[index]
          return (
            record && (
              <li
                key={index}
                aria-posinset={index + 1}
                aria-setsize={records.length}
                className="absolute inset-x-0 border-b border-line"
                style={{ top: start, height: size }}
              >
                {record.record === 'call' ? (
                  <CallRow call={record} isWide={isWide} onChoose={onChoose} />
                ) : (
                  <p className="flex h-full items-center px-5 text-small text-soft min-[900px]:px-8">
                    – {gapWords(record)}
                  </p>
                )}
              </li>
            )
          )
        })}
      </ol>
    </div>
  )
}

function CallRow({
  call,
  isWide,
  onChoose,
}: {
  readonly call: ActivityCall
  readonly isWide: boolean
  readonly onChoose: (call: ActivityCall) => void
}) {
  const { at, name, method, client, connection, outcome, durationMs } = call
  const what = <bdi className="truncate font-semibold">{name ?? method ?? 'a message'}</bdi>
  const moment = <time dateTime={new Date(at).toISOString()}>{whenOf(at)}</time>
  const look =
    'h-full w-full items-center gap-x-4 px-5 text-left outline-offset-[-2px] hover:bg-hover min-[900px]:px-8'
  return isWide ? (
    <button
      type="button"
      className={`grid grid-cols-[5.5rem_5.5rem_minmax(0,1.4fr)_minmax(0,1fr)_minmax(0,1fr)_4rem] ${look}`}
      onClick={() => onChoose(call)}
    >
      <span className="truncate text-small text-soft">{moment}</span>
      <OutcomeWord outcome={outcome} />
      {what}
      <span className="truncate">{connection}</span>
      <bdi className="truncate text-soft">{client}</bdi>
      <span className="text-right text-small text-soft">{inMilliseconds(durationMs)}</span>
    </button>
  ) : (
    <button
      type="button"
      className={`grid grid-cols-[minmax(0,1fr)_auto] content-center ${look}`}
      onClick={() => onChoose(call)}
    >
      {what}
      <OutcomeWord outcome={outcome} />
      <span className="truncate text-small text-soft">
        <bdi>{client}</bdi> at {connection}
      </span>
      <span className="text-right text-small text-soft">{moment}</span>
    </button>
  )
}

/** The time of today, else with its day. */
function whenOf(at: number): string {
  return new Date(at).toDateString() === new Date().toDateString() ? clock.format(at) : day.format(at)
}

/** How long a call took, in words. */
export function inMilliseconds(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`
}

function gapWords({ reason, calls, day: upTo }: Exclude<ActivityRecord, ActivityCall>): string {
  const many = calls === undefined ? 'Calls' : calls === 1 ? 'One call' : `${calls} calls`
  switch (reason) {
    case 'size':
      return `Older calls were deleted to save space${upTo === undefined ? '' : `, up to ${upTo}`}.`
    case 'disk':
      return `${many} could not be written down.`
    case 'reader':
      return `${many} came too fast to be shown; they are in the record.`
    default:
      return reason satisfies never
  }
}

const wide = window.matchMedia('(min-width: 900px)')

function useIsWide(): boolean {
  return useSyncExternalStore(
    (changed) => {
      wide.addEventListener('change', changed)
      return () => wide.removeEventListener('change', changed)
    },
    () => wide.matches,
  )
}
