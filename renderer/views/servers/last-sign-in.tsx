import { useQuery } from '@tanstack/react-query'
import type { Connection, TraceStep } from '../../../shared/connection.ts'
import { Card } from '../../parts/card.tsx'
import { CopyButton } from '../../parts/copy-button.tsx'
import { useBridge } from '../../state/bridge-context.ts'
import { traceKey } from '../../state/live.ts'

/** The last sign-in, step by step. The exact request and answer of a step are one click below it. */
export function LastSignIn({ connection }: { readonly connection: Connection }) {
  const { bridge } = useBridge()
  const { id } = connection
  const { data: trace } = useQuery({
    queryKey: traceKey(id),
    queryFn: () => bridge.connections.trace({ id }),
    // A sign-in that another window or the command line began is followed only while this is shown.
    staleTime: 0,
  })
  if (!trace || trace.steps.length === 0) return null
  return (
    <Card
      title="Last sign-in"
      aside={
        <CopyButton look="quiet" text={JSON.stringify(trace, undefined, 2)}>
          Copy
        </CopyButton>
      }
    >
      <ol className="divide-y divide-line">
        {trace.steps.map((step, index) => (
          // oxlint-disable-next-line react/no-array-index-key -- Steps are only ever added.
          <Step
            key={index}
            step={step}
            isBroken={trace.outcome === 'failed' && index === trace.steps.length - 1}
          />
        ))}
      </ol>
    </Card>
  )
}

function Step({ step, isBroken }: { readonly step: TraceStep; readonly isBroken: boolean }) {
  const { request, response, durationMs } = step
  const line = (
    <span className="grid grid-cols-[1.1rem_minmax(0,1fr)_auto] items-baseline gap-1.5">
      <span aria-hidden="true" className={`font-bold ${isBroken ? 'text-broken' : 'text-well'}`}>
        {isBroken ? '✕' : '✓'}
      </span>
      <span>{step.step}</span>
      <small className="text-small text-soft">
        {durationMs === undefined ? '' : inMilliseconds(durationMs)}
      </small>
    </span>
  )
  if (!request && !response && step.note === undefined) return <li className="px-3.5 py-2">{line}</li>
  return (
    <li>
      <details className="px-3.5 py-2">
        <summary className="list-none rounded-md hover:bg-hover">{line}</summary>
        <pre className="mt-2 overflow-x-auto rounded-lg bg-ground p-2.5 font-mono text-[12px] whitespace-pre-wrap">
          {[
            request && `${request.method} ${request.url}`,
            request?.body,
            response && `→ ${response.status}`,
            response?.body,
            step.note,
          ]
            .filter((text) => text !== undefined)
            .join('\n')}
        </pre>
      </details>
    </li>
  )
}

function inMilliseconds(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`
}
