import { sendJson, type Exchange } from '../loopback.ts'
import type { StrictBehaviour } from './behaviour.ts'

/** An error of the protocol, thrown inside an endpoint and answered as JSON (RFC 6749 §5.2). */
export class Refusal extends Error {
  readonly status: number
  readonly error: string

  constructor(error: string, description: string, status = 400) {
    super(description)
    this.name = 'Refusal'
    this.status = status
    this.error = error
  }
}

/** Runs an endpoint and answers what it returns, or its refusal. */
export function answerJson(
  { req, res }: Exchange,
  { clientChallenge }: StrictBehaviour,
  run: () => unknown,
  success = 200,
): void {
  try {
    sendJson(res, success, run())
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    const isChallenged = clientChallenge === 'always' || req.headers.authorization !== undefined
    const challenge: Record<string, string> =
      error.status === 401 && isChallenged ? { 'www-authenticate': 'Basic realm="strict"' } : {}
    sendJson(res, error.status, { error: error.error, error_description: error.message }, challenge)
  }
}
