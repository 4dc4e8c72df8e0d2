import type { RequestListener } from 'node:http'
import { mapEventIterator, ORPCError } from '@orpc/client'
import { isContractProcedure, ValidationError, type AnyContractRouter } from '@orpc/contract'
import { implement, type AnyRouter } from '@orpc/server'
import { RPCHandler } from '@orpc/server/node'
import { control } from '../../shared/control.ts'
import { toFailure, type Failure } from '../../shared/errors.ts'
import { describeThrown } from '../log.ts'
import type { Log } from '../ports.ts'
import type { ControlHandlers } from './handlers.ts'

type AnyHandler = (input: unknown, signal: AbortSignal) => unknown

/**
 * The contract with its implementation, for any transport. Inputs and answers are validated by the contract; whatever is
 * thrown crosses as the contract's `FAILURE`, and what is not a `BridgeError` is logged and crosses as `bridge.internal`.
 * Event streams end when `closing` aborts.
 */
export function createRouter(handlers: ControlHandlers, log: Log, closing: AbortSignal): AnyRouter {
  return implementContract(control, handlers, log, closing)
}

/** The router over HTTP, on a unix socket or elsewhere, below a path if it is given one. Who may send requests is the listener's owner's matter. */
export function createListener(router: AnyRouter, prefix?: `/${string}`): RequestListener {
  const handler = new RPCHandler(router)
  return (request, response) => {
    handler.handle(request, response, prefix === undefined ? {} : { prefix }).then(
      ({ matched }) => {
        if (!matched) response.writeHead(404, { 'content-type': 'application/json' }).end(UNKNOWN_PROCEDURE)
      },
      () => response.destroy(),
    )
  }
}

const UNKNOWN_PROCEDURE = JSON.stringify({ json: new ORPCError('NOT_FOUND').toJSON() })

/** Validation happens after the first middleware, so that its errors are translated like all others. */
const VALIDATE_INSIDE = { initialInputValidationIndex: 1, initialOutputValidationIndex: 1 }

/**
 * Any contract with its functions, by the same rules. `handlers` has the contract's shape, so that walking both at once finds each procedure its
 * function.
 */
export function implementContract(
  contract: AnyContractRouter,
  handlers: unknown,
  log: Log,
  closing: AbortSignal,
): AnyRouter {
  if (!isContractProcedure(contract)) {
    const parts = handlers as Record<string, unknown>
    return Object.fromEntries(
      Object.entries(contract).map(([name, part]) => [
        name,
        implementContract(part, parts[name], log, closing),
      ]),
    )
  }
  const handler = handlers as AnyHandler
  return implement(contract, VALIDATE_INSIDE)
    .use(async ({ next, path, signal }) => {
      const fail = (thrown: unknown) => failed(thrown, path.join('.'), log, signal)
      try {
        const result = await next()
        if (!isEventStream(result.output)) return result
        const output = mapEventIterator(result.output, {
          value: async (event: unknown) => event,
          error: async (thrown) => fail(thrown),
        })
        return { ...result, output }
      } catch (thrown) {
        throw fail(thrown)
      }
    })
    .handler(async ({ input, signal }) => {
      const ended = signal ? AbortSignal.any([signal, closing]) : closing
      const answer = await handler(input, ended)
      return isAsyncIterable(answer) ? generate(answer) : answer
    })
}

async function* generate(events: AsyncIterable<unknown>): AsyncGenerator {
  yield* events
}

/** Any thrown value as the contract's error, logged where it is a mistake of ours. */
function failed(thrown: unknown, procedure: string, log: Log, signal: AbortSignal | undefined): unknown {
  // The face went away; nobody reads what comes of it.
  if (signal?.aborted) return thrown
  const failure = asFailure(thrown)
  if (failure.code === 'bridge.internal') {
    log.error('a control request failed unexpectedly', {
      procedure,
      ...describeThrown(thrown),
      detail: failure.detail,
    })
  }
  return new ORPCError('FAILURE', { status: 422, data: failure })
}

function asFailure(thrown: unknown): Failure {
  if (thrown instanceof ORPCError && thrown.cause instanceof ValidationError) {
    const where = fieldsOf(thrown.cause)
    return thrown.code === 'BAD_REQUEST'
      ? { code: 'bridge.request_invalid', detail: where }
      : { code: 'bridge.internal', detail: `an answer does not fit the contract: ${where}` }
  }
  return toFailure(thrown)
}

/** The names of the fields that do not fit, never what was in them. */
function fieldsOf({ issues }: ValidationError): string {
  const names = issues.map(({ path = [], ...issue }) => {
    const keys = path.map((part) => String(typeof part === 'object' ? part.key : part))
    const extra = 'keys' in issue && Array.isArray(issue.keys) ? `unknown ${issue.keys.join(', ')}` : ''
    return [keys.join('.'), extra].filter(Boolean).join(': ') || 'the whole'
  })
  return [...new Set(names)].join('; ').slice(0, 300)
}

function isEventStream(value: unknown): value is AsyncIterator<unknown> {
  return isAsyncIterable(value) && 'next' in value
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value
}
