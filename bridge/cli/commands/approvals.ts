import { createInterface } from 'node:readline'
import type { ApprovalAnswer, ApprovalDetails } from '../../../shared/access.ts'
import { BridgeError } from '../../../shared/errors.ts'
import type { ControlClient } from '../../control/client.ts'
import { approvalLines, approvalPhrase, outcomeWords } from '../access-text.ts'
import type { Face } from '../face.ts'
import { text } from '../text.ts'

/** The options of `approvals` and of `approvals allow`, as typed. */
export interface WatchOptions {
  readonly watch?: true
}
export interface AllowOptions {
  readonly session?: true
  readonly always?: true
}

/** The calls that wait, once or as they come. */
export async function showApprovals(face: Face, { watch }: WatchOptions): Promise<void> {
  const { terminal } = face
  const control = await face.control()
  if (watch) return watchApprovals(face, control)
  const waiting = await control.approvals.list({})
  terminal.answer(waiting, () => [
    ...approvalLines(waiting, terminal.paint, Date.now()),
    ...(waiting.length > 0 ? [text`Answer: bridgekeeper approvals allow ID, or deny ID`] : []),
  ])
}

/** Lets a call go on. */
export async function allowCall(face: Face, id: string, { session, always }: AllowOptions): Promise<void> {
  if (session && always) throw new BridgeError('cli.usage', 'give --session or --always')
  await answerCall(face, id, { verdict: 'allow', lasts: always ? 'always' : session ? 'session' : 'once' })
}

/** Refuses a call. */
export async function denyCall(face: Face, id: string, always: true | undefined): Promise<void> {
  await answerCall(face, id, { verdict: 'deny', lasts: always ? 'always' : 'once' })
}

async function answerCall(face: Face, id: string, answer: ApprovalAnswer): Promise<void> {
  const control = await face.control()
  await control.approvals.answer({ id: id.slice(0, 20), answer })
  const outcome = answer.verdict === 'allow' ? 'allowed' : 'denied'
  face.terminal.answer({ id, outcome }, () => [text`Call ${id} ${outcomeWords[outcome]}.`])
}

/** What is typed to answer a call. */
const answers: Readonly<Record<string, ApprovalAnswer>> = {
  y: { verdict: 'allow', lasts: 'once' },
  s: { verdict: 'allow', lasts: 'session' },
  a: { verdict: 'allow', lasts: 'always' },
  n: { verdict: 'deny', lasts: 'once' },
  never: { verdict: 'deny', lasts: 'always' },
}
const choices = 'y: yes, s: for this session, a: always, n: no, never: never'

/**
 * Each call that waits as it comes, until Ctrl-C or the end of the bridge. At a terminal it asks for the oldest one; what is typed counts for the
 * call that was shown last as a question, and for no other. A program gets one line of JSON for each.
 */
async function watchApprovals(face: Face, control: ControlClient): Promise<void> {
  const { terminal, stdin } = face
  const stop = AbortSignal.any([face.interruption(), terminal.closed])
  const canAsk = !terminal.json && stdin.isTTY === true
  const shown = new Set<string>()
  let waiting: readonly ApprovalDetails[] = []
  let question: string | undefined

  const look = async (): Promise<void> => {
    waiting = await control.approvals.list({})
    for (const approval of waiting.filter(({ id }) => !shown.has(id))) {
      shown.add(approval.id)
      terminal.answer({ event: 'approval-asked', approval }, () =>
        approvalLines([approval], terminal.paint, Date.now()),
      )
    }
    ask()
  }
  const ask = (): void => {
    if (!canAsk || waiting.some(({ id }) => id === question)) return
    const [oldest] = waiting
    question = oldest?.id
    if (oldest) terminal.note(text`Allow ${approvalPhrase(oldest)}? [${choices}]`)
  }
  const take = async (typed: string): Promise<void> => {
    const id = question
    const answer = Object.hasOwn(answers, typed.trim()) ? answers[typed.trim()] : undefined
    if (id === undefined) return
    if (!answer) return terminal.note(text`Not understood. [${choices}]`)
    question = undefined
    // Somebody else may have been faster; the event says how it went.
    await control.approvals.answer({ id, answer }).catch((thrown: unknown) => {
      if (!(thrown instanceof BridgeError) || thrown.code !== 'access.approval_unknown') throw thrown
    })
  }

  const lines = canAsk ? createInterface({ input: stdin }) : undefined
  const failed = new AbortController()
  lines?.on('line', (typed) => void take(typed).catch((thrown: unknown) => failed.abort(thrown)))
  const events = await control.events({}, { signal: AbortSignal.any([stop, failed.signal]) })
  terminal.note(text`Waiting for calls. Ctrl-C ends this.`)
  try {
    await look()
    for await (const event of events) {
      if (event.event === 'approval-asked') await look()
      else if (event.event === 'approval-settled' && shown.delete(event.id)) {
        terminal.answer(event, () => [text`Call ${event.id} ${outcomeWords[event.outcome]}.`])
        waiting = waiting.filter(({ id }) => id !== event.id)
        ask()
      }
    }
    terminal.note(text`The bridge has ended.`)
  } catch (thrown) {
    if (failed.signal.aborted) throw failed.signal.reason
    if (!stop.aborted) throw thrown
  } finally {
    lines?.close()
  }
}
