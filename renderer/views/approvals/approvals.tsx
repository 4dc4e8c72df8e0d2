import { useRef } from 'react'
import { Link } from 'wouter'
import { failureOf } from '../../bridge/failure.ts'
import { FailureNote } from '../../parts/failure-note.tsx'
import { Page } from '../../parts/page.tsx'
import { useApprovals } from '../../state/approvals.ts'
import { ApprovalCard } from './approval-card.tsx'

/** The calls that wait for the person. */
export function ApprovalsView() {
  const { data, error } = useApprovals()
  const said = useRef<HTMLParagraphElement>(null)
  return (
    <Page title="Approvals">
      {/* Where the focus goes when the card that had it is gone. */}
      <p ref={said} tabIndex={-1} role="status" className="mt-1 text-soft outline-none">
        {error ? '' : data ? countOf(data.length) : 'Reading what waits…'}
      </p>
      {error && (
        <div className="mt-5">
          <FailureNote failure={failureOf(error)} />
        </div>
      )}
      {data?.length === 0 && (
        <p className="mt-5 border-t border-line pt-5 text-soft">
          A call waits here when you let a client app use a tool only after asking you. You choose that for
          each of your{' '}
          <Link href="/clients" className="text-ink underline underline-offset-2">
            client apps
          </Link>
          .
        </p>
      )}
      <ul className="mt-5 grid gap-4">
        {data?.map((approval) => (
          <li key={approval.id}>
            <ApprovalCard approval={approval} onAnswered={() => said.current?.focus()} />
          </li>
        ))}
      </ul>
    </Page>
  )
}

function countOf(waiting: number): string {
  if (waiting === 0) return 'No call is waiting for you.'
  return waiting === 1 ? 'One call is waiting for you.' : `${waiting} calls are waiting for you.`
}
