import type { Connection } from '../../shared/connection.ts'

/** How a state is told: by a shape, a colour and a word, so that none of the three is needed. */
interface StateLook {
  readonly shape: string
  readonly word: string
  readonly colour: string
}

/** The one word for a connection. What asks for the person comes before what merely is. */
function lookOf({ status, stepUp }: Connection): StateLook {
  if (stepUp) return { shape: '◐', word: 'Asks for more', colour: 'text-asked' }
  switch (status) {
    case 'connected':
      return { shape: '●', word: 'Connected', colour: 'text-well' }
    case 'signing-in':
      return { shape: '◌', word: 'Signing in', colour: 'text-asked' }
    case 'signed-out':
      return { shape: '○', word: 'Signed out', colour: 'text-soft' }
    case 'retrying':
      return { shape: '↻', word: 'Trying again', colour: 'text-soft' }
    case 'sign-in-again':
      return { shape: '▲', word: 'Sign in again', colour: 'text-broken' }
    case 'failed':
      return { shape: '✕', word: 'Broken', colour: 'text-broken' }
    default:
      return status satisfies never
  }
}

/** A connection's state as its list shows it. */
export function StateWord({ connection }: { readonly connection: Connection }) {
  const { shape, word, colour } = lookOf(connection)
  return (
    <span
      className={`inline-flex items-center gap-1 text-[11.5px] font-semibold whitespace-nowrap ${colour}`}
    >
      <span aria-hidden="true">{shape}</span>
      {word}
    </span>
  )
}
