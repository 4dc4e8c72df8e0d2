import { BridgeError, type Failure } from '../../shared/errors.ts'
import type { AnswerHead } from '../gateway/answer-rules.ts'
import { Delivery, type DeliverySurroundings, type Parcel } from './delivery.ts'
import { failureOfStatus } from './error-messages.ts'
import { isSameId, readMessage, type RpcMessage } from './rpc-message.ts'

/** The answer to a request of the bridge's own. */
export interface Asked {
  readonly answer: RpcMessage
  readonly head: AnswerHead
}

/**
 * Makes one request of the bridge's own and resolves with its answer, be it a result or an error; messages that come with it go to `pass`.
 * Rejects with a `BridgeError`, also when `signal` aborts.
 */
export function ask(
  request: RpcMessage,
  parcel: Omit<Parcel, 'method' | 'body'>,
  around: DeliverySurroundings,
  options: { pass?: (message: RpcMessage) => void; signal: AbortSignal },
): Promise<Asked> {
  const { pass, signal } = options
  return new Promise((resolve, reject) => {
    let head: AnswerHead = { status: 0, headers: {} }
    const fail = ({ code, detail }: Failure): void => {
      signal.removeEventListener('abort', abort)
      reject(new BridgeError(code, detail))
    }
    const take = (message: RpcMessage): void => {
      delivery.release()
      signal.removeEventListener('abort', abort)
      resolve({ answer: message, head })
    }
    const delivery = new Delivery(
      { ...parcel, method: 'POST', body: request.bytes },
      {
        accepted: (accepted) => void (head = accepted),
        message(bytes) {
          const message = readMessage(bytes)
          if (message?.kind === 'answer' && isSameId(message.id, request.id)) take(message)
          else if (message?.kind === 'request' || message?.kind === 'notification') pass?.(message)
        },
        ended: () => fail({ code: 'gateway.stream_cut' }),
        refused(refusal, body) {
          const message = readMessage(body)
          head = refusal
          if (message?.kind === 'answer' && message.errorPlace) take(message)
          else fail(failureOfStatus(refusal.status))
        },
        failed: fail,
      },
      around,
    )
    const abort = (): void => {
      delivery.abandon()
      fail({ code: 'bridge.busy' })
    }
    signal.addEventListener('abort', abort, { once: true })
    if (signal.aborted) abort()
    else delivery.send()
  })
}
