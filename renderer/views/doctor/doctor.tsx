import { useQuery } from '@tanstack/react-query'
import type { BridgeStatus, Check } from '../../../shared/control.ts'
import { errors, sentence } from '../../../shared/errors.ts'
import { failureOf } from '../../bridge/failure.ts'
import { Button } from '../../parts/button.tsx'
import { Card } from '../../parts/card.tsx'
import { CopyButton } from '../../parts/copy-button.tsx'
import { FailureNote } from '../../parts/failure-note.tsx'
import { Page } from '../../parts/page.tsx'
import { useBridge } from '../../state/bridge-context.ts'

/** Looks at this machine and every connection, and says who mends what is wrong. */
export function DoctorView() {
  const { bridge } = useBridge()
  const { data: status } = useQuery({ queryKey: ['status'], queryFn: () => bridge.bridge.status({}) })
  const { data, error, isFetching, refetch } = useQuery({
    queryKey: ['doctor'],
    queryFn: () => bridge.bridge.doctor({}),
    staleTime: 0,
  })
  const wrong = data?.filter(({ ok, failure }) => !ok || failure).length
  return (
    <Page
      title="Doctor"
      aside={
        <div className="flex gap-2">
          <Button disabled={isFetching} onClick={() => void refetch()}>
            {isFetching ? 'Looking…' : 'Look again'}
          </Button>
          {data && <CopyButton text={reportOf(data, status)}>Copy the report</CopyButton>}
        </div>
      }
    >
      <p role="status" className="mt-1 text-soft">
        {wrong === undefined
          ? 'Looking at this machine and every server…'
          : wrong === 0
            ? 'All is well.'
            : wrong === 1
              ? 'One thing is not well.'
              : `${wrong} things are not well.`}
      </p>
      {error && (
        <div className="mt-5">
          <FailureNote failure={failureOf(error)} />
        </div>
      )}
      {data && (
        <Card title="What was looked at">
          <ul className="divide-y divide-line">
            {data.map((check, index) => (
              // oxlint-disable-next-line react/no-array-index-key -- Two checks may have the same name and note.
              <CheckRow key={index} check={check} />
            ))}
          </ul>
        </Card>
      )}
    </Page>
  )
}

function lookOf({ ok, failure }: Check): { shape: string; word: string; colour: string } {
  if (!ok) return { shape: '✕', word: 'Not well', colour: 'text-broken' }
  return failure
    ? { shape: '▲', word: 'Take note', colour: 'text-asked' }
    : { shape: '✓', word: 'Well', colour: 'text-well' }
}

function CheckRow({ check }: { readonly check: Check }) {
  const { shape, word, colour } = lookOf(check)
  const { failure } = check
  return (
    <li className="grid grid-cols-[minmax(0,1fr)_auto] gap-x-4 px-3.5 py-2.5">
      <span>
        <b className="font-semibold">{capitalised(check.check)}</b>
        {check.note !== undefined && <span className="block text-small text-soft">{check.note}</span>}
        {failure && (
          <span className="block text-small">
            {errors[failure.code].cause}
            {failure.detail === undefined ? '' : ` (${failure.detail})`}. {errors[failure.code].remedy}
          </span>
        )}
      </span>
      <span className={`text-[11.5px] font-semibold whitespace-nowrap ${colour}`}>
        <span aria-hidden="true">{shape} </span>
        {word}
      </span>
    </li>
  )
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

/** The same as plain text, for a report to others. */
function reportOf(checks: readonly Check[], status: BridgeStatus | undefined): string {
  const head = status ? [`Bridgekeeper ${status.version}, key store: ${status.keyStore}`] : []
  const lines = checks.map((check) => {
    const { word } = lookOf(check)
    const { note, failure } = check
    const rest = [note, failure && `${sentence(failure)} [${failure.code}]`].filter(
      (text) => text !== undefined,
    )
    return `${word}: ${check.check}${rest.length > 0 ? ` – ${rest.join(' – ')}` : ''}`
  })
  return [...head, ...lines].join('\n')
}
