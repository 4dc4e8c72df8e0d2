import { useMutation } from '@tanstack/react-query'
import { useId } from 'react'
import type { ApprovalAnswer, ApprovalDetails } from '../../../shared/access.ts'
import { failureOf } from '../../bridge/failure.ts'
import { Button } from '../../parts/button.tsx'
import { FailureNote } from '../../parts/failure-note.tsx'
import { Monogram } from '../../parts/monogram.tsx'
import { useNow } from '../../parts/time.tsx'
import { useBridge } from '../../state/bridge-context.ts'

/** One call that waits: who wants what, with which arguments, for how long, and the answers. */
export function ApprovalCard({
  approval,
  onAnswered,
}: {
  readonly approval: ApprovalDetails
  readonly onAnswered: () => void
}) {
  const { bridge } = useBridge()
  const titleId = useId()
  const { id, client, connection, tool, preview } = approval
  const answering = useMutation({
    mutationFn: (answer: ApprovalAnswer) => bridge.approvals.answer({ id, answer }),
    onSuccess: onAnswered,
  })
  const isSettled = answering.isPending || answering.isSuccess
  const answer = (words: string, look: 'go' | 'plain' | 'end', what: ApprovalAnswer) => (
    <Button look={look} disabled={isSettled} onClick={() => answering.mutate(what)}>
      {words}
    </Button>
  )
  return (
    <section aria-labelledby={titleId} className="overflow-hidden rounded-xl border border-line bg-panel">
      <div className="flex items-center gap-3 bg-asked-ground px-3.5 py-3">
        <Monogram name={connection} />
        <h2 id={titleId} className="min-w-0 flex-1">
          <b className="font-semibold text-asked">
            <bdi>{client}</bdi> wants to use <bdi>{tool}</bdi>
          </b>{' '}
          at {connection}. The call is waiting.
        </h2>
        <TimeLeft until={approval.expires} />
      </div>
      <div className="px-3.5 py-3">
        <p className="text-small text-soft">Called with</p>
        <pre
          tabIndex={0}
          role="region"
          aria-label={`What ${tool} is called with`}
          dir="auto"
          className="mt-1 max-h-52 overflow-auto rounded-lg bg-ground px-2.5 py-2 font-mono text-small break-words whitespace-pre-wrap"
        >
          {indented(preview)}
        </pre>
        {answering.error && (
          <div className="mt-3">
            <FailureNote failure={failureOf(answering.error)} />
          </div>
        )}
        <div className="mt-3 flex flex-wrap justify-between gap-x-6 gap-y-2">
          <div role="group" aria-label="Allow" className="flex flex-wrap gap-2">
            {answer('Allow once', 'go', { verdict: 'allow', lasts: 'once' })}
            {answer('For this session', 'plain', { verdict: 'allow', lasts: 'session' })}
            {answer('Always', 'plain', { verdict: 'allow', lasts: 'always' })}
          </div>
          <div role="group" aria-label="Deny" className="flex flex-wrap gap-2">
            {answer('Deny', 'end', { verdict: 'deny', lasts: 'once' })}
            {answer('Always deny', 'end', { verdict: 'deny', lasts: 'always' })}
          </div>
        </div>
      </div>
    </section>
  )
}

/** How long the call still waits. */
function TimeLeft({ until }: { readonly until: number }) {
  const seconds = Math.max(0, Math.ceil((until - useNow(1_000)) / 1_000))
  const clock = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
  return <span className="flex-none text-small text-asked">{clock} left</span>
}

/** Arguments are easier to read over several lines; a preview that was cut is shown as it is. */
function indented(preview: string): string {
  try {
    return JSON.stringify(JSON.parse(preview), undefined, 2)
  } catch {
    return preview
  }
}
