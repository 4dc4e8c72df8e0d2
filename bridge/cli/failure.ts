import { consequences, errors, toFailure } from '../../shared/errors.ts'
import { failureLines } from './describe.ts'
import type { Terminal } from './terminal.ts'
import { text } from './text.ts'

/** How a failed command says so in JSON: as one error, or as the last of its events. */
export type FailureShape = 'error' | 'event'

/** Says why a command failed and gives its exit code, by who can fix it. */
export function reportFailure(thrown: unknown, terminal: Terminal, shape: FailureShape): number {
  const failure = toFailure(thrown)
  const { cause, remedy, fixer } = errors[failure.code]
  if (terminal.json) {
    terminal.answer(
      shape === 'event' ? { event: 'failed', ...failure } : { error: { ...failure, cause, remedy, fixer } },
      () => [],
    )
  } else {
    const [what, todo] = failureLines(failure)
    terminal.note(text`${terminal.paint('red', text`Failed:`)} ${what}`)
    terminal.note(todo)
  }
  return consequences[fixer].exit
}
