import { setTimeout as sleep } from 'node:timers/promises'
import { BridgeError } from '../../../shared/errors.ts'
import type { Face } from '../face.ts'
import { text } from '../text.ts'

/** How long a bridge may take to end, in milliseconds. */
const STOP_LIMIT = 10_000

/** Ends the bridge and returns when it has ended. Where none runs there is nothing to do. */
export async function stop(face: Face): Promise<void> {
  const control = await face.runningControl()
  if (!control) {
    face.terminal.answer({}, () => [text`No bridge runs.`])
    return
  }
  await control.bridge.stop({})
  const deadline = performance.now() + STOP_LIMIT
  while (await face.isRunning()) {
    if (performance.now() > deadline)
      throw new BridgeError('bridge.busy', 'it was told to end and has not yet')
    await sleep(20)
  }
  face.terminal.answer({}, () => [text`The bridge has ended.`])
}
