import type { ReactNode } from 'react'
import { errors, type Failure } from '../../shared/errors.ts'
import type { Fixer } from '../../shared/error-catalogue.ts'

const tones: Record<Fixer, string> = {
  user: 'bg-asked-ground text-asked',
  time: 'bg-hover text-soft',
  operator: 'bg-broken-ground text-broken',
  nobody: 'bg-broken-ground text-broken',
  bug: 'bg-broken-ground text-broken',
}

const whoFixes: Record<Fixer, string> = {
  user: 'You can mend this',
  time: 'This mends itself',
  operator: 'The operator of the server can mend this',
  nobody: 'Nobody can mend this from here',
  bug: 'This is our mistake',
}

/** A failure in words: what went wrong, who mends it, what to do, and one button where there is something to press. */
export function FailureNote({
  failure,
  children,
}: {
  readonly failure: Failure
  readonly children?: ReactNode
}) {
  const { cause, remedy, fixer } = errors[failure.code]
  const [ground = '', colour = ''] = tones[fixer].split(' ')
  return (
    <div role="alert" className={`flex flex-wrap items-center gap-3 rounded-xl px-3.5 py-3 ${ground}`}>
      <p className="min-w-56 flex-1">
        <b className={`font-semibold ${colour}`}>{cause}.</b> {remedy}{' '}
        <span className="text-small text-soft">
          {whoFixes[fixer]}
          {failure.detail === undefined ? '' : ` · ${failure.detail}`}
        </span>
      </p>
      {children}
    </div>
  )
}
