import { useMutation } from '@tanstack/react-query'
import { useCallback, useEffect, useState, useSyncExternalStore } from 'react'
import type { ActivityCall, ActivityFilter } from '../../../shared/activity.ts'
import { ConnectionId } from '../../../shared/connection.ts'
import { failureOf } from '../../bridge/failure.ts'
import { Button } from '../../parts/button.tsx'
import { Choice } from '../../parts/choice.tsx'
import { FailureNote } from '../../parts/failure-note.tsx'
import { ActivityLog, type ActivityRows } from '../../state/activity-log.ts'
import { useBridge, useConnections } from '../../state/bridge-context.ts'
import { CallDetails } from './call-details.tsx'
import { CallList } from './call-list.tsx'
import { saveActivity } from './export.ts'

/** What was called, by whom, and how it ended, as it happens. */
export function ActivityView() {
  const { bridge } = useBridge()
  const [filter, setFilter] = useState<ActivityFilter>({})
  const { log, rows } = useLog(filter)
  const [chosen, setChosen] = useState<ActivityCall>()
  const [isPaused, setIsPaused] = useState(false)
  const [isAway, setIsAway] = useState(false)
  const held = useHeld(rows, isPaused || isAway)
  const saving = useMutation({ mutationFn: () => saveActivity(bridge, filter) })
  const failure = saving.error ? failureOf(saving.error) : rows.failure
  const readOlder = useCallback(() => void log?.readOlder(), [log])
  return (
    <main className="flex min-h-0 flex-col">
      <header className="flex flex-wrap items-center gap-x-4 gap-y-2 border-b border-line px-5 py-4 min-[900px]:px-8">
        <h1 className="mr-auto text-title max-[639px]:w-full font-semibold tracking-tight">Activity</h1>
        <Filters filter={filter} rows={rows} onChange={setFilter} />
        <div className="flex gap-2">
          <Button aria-pressed={isPaused} onClick={() => setIsPaused(!isPaused)}>
            {isPaused ? 'Go on' : 'Pause'}
          </Button>
          <Button disabled={saving.isPending || rows.records.length === 0} onClick={() => saving.mutate()}>
            {saving.isPending ? 'Exporting…' : 'Export'}
          </Button>
        </div>
        <p role="status" className="w-full text-small text-soft empty:hidden">
          {isPaused && `Paused. ${held === 0 ? 'No call since.' : `${held} more since.`}`}
          {!isPaused && held > 0 && `${held} newer above.`}
        </p>
      </header>
      {failure && (
        <div className="px-5 pt-4 min-[900px]:px-8">
          <FailureNote failure={failure} />
        </div>
      )}
      {rows.records.length === 0 ? (
        <p className="px-5 py-5 text-soft min-[900px]:px-8">{emptyWords(rows, filter)}</p>
      ) : (
        <CallList
          records={held === 0 ? rows.records : rows.records.slice(held)}
          onChoose={setChosen}
          onAway={setIsAway}
          onEnd={readOlder}
        />
      )}
      <CallDetails call={chosen} onClose={() => setChosen(undefined)} />
    </main>
  )
}

function emptyWords({ isRead, failure }: ActivityRows, { client, connection }: ActivityFilter): string {
  if (!isRead) return failure ? '' : 'Reading the record of calls…'
  return client === undefined && connection === undefined
    ? 'No call yet. Every call of a client app appears here when it ends.'
    : 'No call fits. Choose all client apps and all servers to see every call.'
}

const nothing: ActivityRows = { records: [], fresh: 0, isRead: false }
const unsubscribed = () => () => undefined

function useLog(filter: ActivityFilter): {
  readonly log: ActivityLog | undefined
  readonly rows: ActivityRows
} {
  const { bridge } = useBridge()
  const [log, setLog] = useState<ActivityLog>()
  useEffect(() => {
    const opened = new ActivityLog(bridge, filter)
    setLog(opened)
    return () => opened.close()
  }, [bridge, filter])
  const rows = useSyncExternalStore(log?.subscribe ?? unsubscribed, log?.rows ?? (() => nothing))
  return { log, rows }
}

/** How many new rows are kept back, so that nothing moves under the eyes of who reads. */
function useHeld({ fresh }: ActivityRows, isHeld: boolean): number {
  const [since, setSince] = useState<number>()
  if (isHeld && (since === undefined || since > fresh)) setSince(fresh)
  if (!isHeld && since !== undefined) setSince(undefined)
  return isHeld && since !== undefined ? Math.max(0, fresh - since) : 0
}

function Filters({
  filter,
  rows,
  onChange,
}: {
  readonly filter: ActivityFilter
  readonly rows: ActivityRows
  readonly onChange: (filter: ActivityFilter) => void
}) {
  const { data: connections = [] } = useConnections()
  const [known, setKnown] = useState<readonly string[]>([])
  const fresh = [
    ...new Set(rows.records.flatMap((one) => (one.record === 'call' ? [one.client] : []))),
  ].filter((client) => !known.includes(client))
  if (fresh.length > 0) setKnown([...known, ...fresh].toSorted())
  const choose = (change: { client?: string; connection?: string }): void => {
    const { client = filter.client ?? '', connection = filter.connection ?? '' } = change
    onChange({
      ...(client === '' ? {} : { client }),
      ...(connection === '' ? {} : { connection: ConnectionId.parse(connection) }),
    })
  }
  return (
    <div className="flex flex-wrap gap-2">
      <Choice
        label="Client app"
        value={filter.client ?? ''}
        options={[['', 'All client apps'], ...known.map((client) => [client, client] as const)]}
        onChange={(client) => choose({ client })}
      />
      <Choice
        label="Server"
        value={filter.connection ?? ''}
        options={[['', 'All servers'], ...connections.map(({ id }) => [id, id] as const)]}
        onChange={(connection) => choose({ connection })}
      />
    </div>
  )
}
