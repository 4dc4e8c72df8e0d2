import { z } from 'zod'
import { errors, type Fixer } from './error-catalogue.ts'

export type { Fixer }
export { errors }

export type ErrorCode = keyof typeof errors

export const ErrorCode = z.enum(Object.keys(errors) as [ErrorCode, ...ErrorCode[]])

/** A failure as it crosses every boundary. `detail` is plain words and never holds a secret. */
export const Failure = z.strictObject({ code: ErrorCode, detail: z.string().max(2000).optional() })
export type Failure = z.infer<typeof Failure>

/** How each fixer ends a command and answers a local call. */
export const consequences: Record<Fixer, { readonly exit: number; readonly status: number }> = {
  user: { exit: 3, status: 401 },
  time: { exit: 75, status: 503 },
  operator: { exit: 69, status: 502 },
  nobody: { exit: 77, status: 403 },
  bug: { exit: 70, status: 500 },
}

/** The one error class that crosses module borders: told apart by `code`, never by its text. */
export class BridgeError extends Error {
  readonly code: ErrorCode
  readonly detail: string | undefined

  constructor(code: ErrorCode, detail?: string, options?: ErrorOptions) {
    super(sentence({ code, ...(detail === undefined ? {} : { detail }) }), options)
    this.name = 'BridgeError'
    this.code = code
    this.detail = detail?.slice(0, 2000)
  }

  get fixer(): Fixer {
    return errors[this.code].fixer
  }

  toFailure(): Failure {
    return this.detail === undefined ? { code: this.code } : { code: this.code, detail: this.detail }
  }
}

/** Cause, detail and remedy in words, for a person. */
export function sentence({ code, detail }: Failure): string {
  const { cause, remedy } = errors[code]
  return `${cause}${detail ? ` (${detail})` : ''}. ${remedy}`
}

/** Any thrown value as a failure; what is not ours becomes `bridge.internal` without its text, which may hold anything. */
export function toFailure(thrown: unknown): Failure {
  return thrown instanceof BridgeError ? thrown.toFailure() : { code: 'bridge.internal' }
}
