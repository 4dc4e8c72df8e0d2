import type { Failure } from '../../shared/errors.ts'
import { errorCodeOf } from '../channel/error-messages.ts'
import { readMessage } from '../channel/rpc-message.ts'
import { bridgeErrorCode, statusOf } from '../gateway/failure-answer.ts'

/**
 * The HTTP status of an answer that tells of a failure of ours. Only an error of ours has one that says so: a result, and an error that the
 * protocol has a code for, are read by clients under 200 alone.
 */
export function statusOfFailure(bytes: Buffer, failure: Failure): number {
  const answer = readMessage(bytes)
  return answer && errorCodeOf(answer) === bridgeErrorCode ? statusOf(failure.code) : 200
}
