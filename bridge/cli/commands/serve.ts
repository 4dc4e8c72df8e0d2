import { BridgeError } from '../../../shared/errors.ts'
import type { StartEvent } from '../../../shared/events.ts'
import { keyFileWarning } from '../describe.ts'
import type { Face } from '../face.ts'
import { text } from '../text.ts'

/** Runs the bridge in this process until Ctrl-C or `stop`. The only command that is a bridge and not a face of one. */
export async function serve(face: Face, options: { port?: string }): Promise<number> {
  const { parsePort } = await import('../../settings-file.ts')
  const port = options.port === undefined ? undefined : parsePort(options.port, '--port')
  const { runBridge } = await import('../../run.ts')
  let failed: BridgeError | undefined
  const code = await runBridge({
    port,
    env: face.env,
    print: (event) => {
      if (event.event === 'failed') failed = new BridgeError(event.code, event.detail)
      else announce(face, event)
    },
  })
  if (failed) throw failed
  return code
}

function announce({ terminal }: Face, event: Exclude<StartEvent, { event: 'failed' }>): void {
  terminal.answer(event, () => {
    const keyStore = { keychain: 'the OS keychain', passphrase: 'your passphrase', 'key-file': 'a key file' }[
      event.keyStore
    ]
    if (event.event === 'already-running') {
      return [text`A bridge of yours runs already at ${event.url} (process ${event.pid}).`]
    }
    return [
      text`The bridge runs at ${event.url}; the vault is sealed with ${keyStore}.`,
      ...(event.keyStore === 'key-file' ? [keyFileWarning] : []),
    ]
  })
  if (event.event === 'ready') terminal.note(text`Ctrl-C ends it.`)
}
