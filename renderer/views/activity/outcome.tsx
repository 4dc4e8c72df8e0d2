import type { ActivityCall } from '../../../shared/activity.ts'

type Outcome = ActivityCall['outcome']

const looks: Record<Outcome, { readonly shape: string; readonly word: string; readonly colour: string }> = {
  answered: { shape: '●', word: 'Answered', colour: 'text-well' },
  error: { shape: '▲', word: 'Error', colour: 'text-asked' },
  failed: { shape: '✕', word: 'Failed', colour: 'text-broken' },
  refused: { shape: '⊘', word: 'Refused', colour: 'text-broken' },
  cancelled: { shape: '○', word: 'Cancelled', colour: 'text-soft' },
}

/** How a call ended, by shape, colour and word. */
export function OutcomeWord({ outcome }: { readonly outcome: Outcome }) {
  const { shape, word, colour } = looks[outcome]
  return (
    <span className={`text-[11.5px] font-semibold whitespace-nowrap ${colour}`}>
      <span aria-hidden="true">{shape} </span>
      {word}
    </span>
  )
}
