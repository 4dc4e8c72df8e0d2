import type { ActivityCall } from '../../../shared/activity.ts'
import { Button } from '../../parts/button.tsx'
import { CopyButton } from '../../parts/copy-button.tsx'
import { FailureNote } from '../../parts/failure-note.tsx'
import { useLast } from '../../parts/last.ts'
import { Sheet } from '../../parts/sheet.tsx'
import { Time } from '../../parts/time.tsx'
import { inMilliseconds } from './call-list.tsx'
import { OutcomeWord } from './outcome.tsx'

const bytes = new Intl.NumberFormat(undefined)
const faces = { http: 'HTTP', stdio: 'stdio' } as const

/** All that is kept of one call. */
export function CallDetails({
  call,
  onClose,
}: {
  readonly call: ActivityCall | undefined
  readonly onClose: () => void
}) {
  const shown = useLast(call)
  return (
    <Sheet title={shown?.name ?? shown?.method ?? 'A call'} isOpen={call !== undefined} onClose={onClose}>
      {shown && <Details call={shown} />}
      <div className="mt-5 flex justify-end gap-2">
        <CopyButton text={JSON.stringify(shown ?? {}, undefined, 2)}>Copy</CopyButton>
        <Button look="go" onClick={onClose}>
          Done
        </Button>
      </div>
    </Sheet>
  )
}

function Details({ call }: { readonly call: ActivityCall }) {
  const { at, outcome, code, status, client, connection, face, method, durationMs, sent, received } = call
  return (
    <>
      {code && (
        <div className="mt-3">
          <FailureNote failure={{ code }} />
        </div>
      )}
      <dl className="mt-3 grid grid-cols-[6.5rem_minmax(0,1fr)] gap-x-4 gap-y-1.5 [&_dt]:text-soft">
        <dt>Ended</dt>
        <dd>
          <OutcomeWord outcome={outcome} /> <Time at={at} />, after {inMilliseconds(durationMs)}
        </dd>
        <dt>Called by</dt>
        <dd>
          <bdi>{client}</bdi>, over {faces[face]}
        </dd>
        <dt>Server</dt>
        <dd>
          {connection}
          {status !== undefined && `, HTTP ${status}`}
        </dd>
        {method !== undefined && (
          <>
            <dt>Method</dt>
            <dd className="font-mono text-small">{method}</dd>
          </>
        )}
        <dt>Bytes</dt>
        <dd>
          {bytes.format(sent)} sent, {bytes.format(received)} received
        </dd>
      </dl>
      <Payload title="Asked" text={call.request} />
      <Payload title="Answer" text={call.answer} />
    </>
  )
}

function Payload({ title, text }: { readonly title: string; readonly text: string | undefined }) {
  if (text === undefined) return null
  return (
    <>
      <h3 className="mt-3 text-small text-soft">{title}</h3>
      <pre
        tabIndex={0}
        role="region"
        aria-label={title}
        dir="auto"
        className="mt-1 max-h-44 overflow-auto rounded-lg bg-ground px-2.5 py-2 font-mono text-small break-words whitespace-pre-wrap"
      >
        {text}
      </pre>
    </>
  )
}
