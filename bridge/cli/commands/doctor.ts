import type { Check } from '../../../shared/control.ts'
import { BridgeError, consequences, errors, type Fixer } from '../../../shared/errors.ts'
import { failureLines } from '../describe.ts'
import type { Face } from '../face.ts'
import { joinText, text, type Paint, type Text } from '../text.ts'

/** From what mends itself to what nobody can mend. */
const severity: readonly Fixer[] = ['time', 'user', 'operator', 'nobody', 'bug']

const fixerWords: Record<Fixer, string> = {
  user: 'you can fix it',
  time: 'it may pass by itself',
  operator: 'the operator of the server can fix it',
  nobody: 'nobody can fix it here',
  bug: 'a mistake in Bridgekeeper',
}

/** What is well and what is not, and who fixes it. The exit code is that of the worst; a warning does not count. */
export async function doctor(face: Face, target: string | undefined): Promise<number> {
  const checks = await examine(face, target)
  face.terminal.answer(checks, () => checks.flatMap((check) => checkLines(check, face.terminal.paint)))
  const worst = checks
    .filter(({ ok }) => !ok)
    .map(({ failure }) => (failure ? errors[failure.code].fixer : 'bug'))
    .toSorted((one, other) => severity.indexOf(other) - severity.indexOf(one))[0]
  return worst ? consequences[worst].exit : 0
}

/** A bridge that cannot start is the first thing to report, not a reason to give up. */
async function examine(face: Face, target: string | undefined): Promise<Check[]> {
  let control
  try {
    control = await face.control()
  } catch (thrown) {
    if (!(thrown instanceof BridgeError)) throw thrown
    return [{ check: 'bridge', ok: false, failure: thrown.toFailure() }]
  }
  return control.bridge.doctor(target === undefined ? {} : { target })
}

function checkLines({ check, ok, note, failure }: Check, paint: Paint): Text[] {
  const mark = ok
    ? failure
      ? paint('yellow', text`warn`)
      : paint('green', text`ok  `)
    : paint('red', text`FAIL`)
  const first = joinText([mark, text`${check}${note ? `: ${note}` : ''}`], '  ')
  if (!failure) return [first]
  const [cause, remedy] = failureLines(failure)
  return [
    first,
    text`      ${cause}`,
    text`      ${remedy}`,
    text`      (${fixerWords[errors[failure.code].fixer]})`,
  ]
}
