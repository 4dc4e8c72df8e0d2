import type { BridgeEvent } from '../../../shared/events.ts'
import { approvalPhrase, outcomeWords } from '../access-text.ts'
import { failureLines, nextCommand, statusWord, stepUpPhrase } from '../describe.ts'
import type { Face } from '../face.ts'
import { joinText, text, type Paint, type Text } from '../text.ts'
import { timeOfDay } from '../time.ts'

/** The events of the bridge, one a line, until Ctrl-C, the end of the bridge, or of whoever reads them. */
export async function events(face: Face): Promise<void> {
  const { terminal } = face
  const control = await face.control()
  const stop = AbortSignal.any([face.interruption(), terminal.closed])
  terminal.note(text`Waiting for events. Ctrl-C ends this.`)
  try {
    for await (const event of await control.events({}, { signal: stop })) {
      terminal.answer(event, () => [
        joinText([text`${timeOfDay(Date.now())}`, eventText(event, terminal.paint)], '  '),
      ])
    }
    terminal.note(text`The bridge has ended.`)
  } catch (thrown) {
    if (!stop.aborted) throw thrown
  }
}

function eventText(event: BridgeEvent, paint: Paint): Text {
  switch (event.event) {
    case 'connection-added':
      return text`${event.connection.id} added (${event.connection.url})`
    case 'connection-changed': {
      const next = nextCommand(event.connection)
      const words = text`${event.connection.id} ${statusWord(event.connection, paint)}`
      return next ? text`${words}; next: ${next}` : words
    }
    case 'connection-removed':
      return text`${event.id} removed`
    case 'sign-in-needed':
      return text`${event.id} needs a sign-in: ${failureLines(event.failure)[0]} Next: bridgekeeper connect ${event.id}`
    case 'step-up-asked':
      return text`${event.id} is asked for ${stepUpPhrase(event.stepUp, Date.now())}; allow it: bridgekeeper connect ${event.id}`
    case 'approval-asked':
      return text`${approvalPhrase(event.approval)} waits for you; answer: bridgekeeper approvals`
    case 'approval-settled':
      return text`call ${event.id} ${outcomeWords[event.outcome]}`
    case 'notice':
      return joinText(failureLines(event.failure), ' ')
    default:
      return event satisfies never
  }
}
