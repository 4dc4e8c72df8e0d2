import type { ConnectionId, Trace, TraceStep } from '../../shared/connection.ts'
import { BridgeError, errors, type Failure } from '../../shared/errors.ts'
import type { Clock } from '../ports.ts'
import type { Exchange } from './exchange.ts'
import { redactBody, redactHeaders, redactUrl } from './redact.ts'

/** What a step may show beside its sentence. Everything is redacted here; callers pass it as it is. */
interface StepDetails {
  readonly request?: {
    readonly method: string
    readonly url: string | URL
    readonly body?: string
    readonly contentType?: string
  }
  readonly response?: { readonly status: number; readonly body?: string; readonly contentType?: string }
  readonly note?: string
  readonly durationMs?: number
}

/** Writes down one sign-in, bounded in steps and size. After `finish` nothing more is added. */
export interface TraceRecorder {
  /** `text` is a short sentence in the past tense without secrets. */
  readonly step: (text: string, details?: StepDetails) => void
  /** Takes what a guarded fetch reports: pass it as `onExchange`. */
  readonly exchange: (exchange: Exchange) => void
  readonly finish: (outcome: 'connected' | 'failed', failure?: Failure) => void
  readonly toTrace: () => Trace
}

const MAX_STEPS = 100
const MAX_TEXT = 1000
const MAX_TOTAL = 200_000
const MAX_SECRETS = 500

/**
 * A trace that starts now. What it hid once it hides everywhere: a server that repeats a code or token in an error description, before or
 * after, gives nothing away.
 */
export function createTrace(connection: ConnectionId, clock: Clock): TraceRecorder {
  const startedAt = clock.now()
  const steps: TraceStep[] = []
  const echoes = createEchoes()
  let room = MAX_TOTAL
  let left = 0
  let end: Pick<Trace, 'endedAt' | 'outcome' | 'failure'> = { outcome: 'pending' }

  const step = (text: string, details: StepDetails = {}): void => {
    if (end.outcome !== 'pending') return
    const { request, response, note, durationMs } = details
    const bodyOf = ({ body, contentType }: { body?: string; contentType?: string }): { body?: string } => {
      if (body === undefined) return {}
      redactBody(body, contentType, echoes.learn)
      // Echoes go before anything is cut, so that no half of a secret stays at the end of a shortened text.
      return { body: redactBody(echoes.silence(body), contentType) }
    }
    const written: TraceStep = {
      at: clock.now(),
      step: shorten(echoes.silence(text)),
      ...(request && {
        request: { method: request.method, url: redactUrl(request.url, echoes.learn), ...bodyOf(request) },
      }),
      ...(response && { response: { status: response.status, ...bodyOf(response) } }),
      ...(note === undefined ? {} : { note: shorten(echoes.silence(note)) }),
      ...(durationMs === undefined ? {} : { durationMs: Math.round(durationMs) }),
    }
    room -= JSON.stringify(written).length
    if (room < 0 || steps.length >= MAX_STEPS) left += 1
    else steps.push(written)
  }

  return {
    step,
    exchange({
      purpose,
      method,
      url,
      requestHeaders,
      requestBody,
      status,
      responseHeaders,
      responseBody,
      ...rest
    }) {
      redactHeaders(requestHeaders, echoes.learn)
      step(purpose ?? 'Asked over the network', {
        request: { method, url, ...bodyPart(requestBody, requestHeaders['content-type']) },
        ...(status === undefined
          ? {}
          : { response: { status, ...bodyPart(responseBody, responseHeaders['content-type']) } }),
        ...noteOf(redactHeaders(responseHeaders, echoes.learn), rest.failure),
        durationMs: rest.durationMs,
      })
    },
    finish(outcome, failure) {
      if (end.outcome !== 'pending') return
      end = { outcome, endedAt: clock.now(), ...(failure ? { failure } : {}) }
    },
    toTrace() {
      const more =
        left > 0 ? [{ at: end.endedAt ?? clock.now(), step: `${left} more steps were not kept` }] : []
      const { failure } = end
      const said =
        failure?.detail === undefined
          ? {}
          : { failure: new BridgeError(failure.code, echoes.silence(failure.detail)).toFailure() }
      return { connection, startedAt, ...end, ...said, steps: [...steps, ...more].map(echoes.silenceStep) }
    },
  }
}

function bodyPart(
  body: string | undefined,
  contentType: string | undefined,
): { body?: string; contentType?: string } {
  if (body === undefined || body === '') return {}
  return { body, ...(contentType === undefined ? {} : { contentType }) }
}

function noteOf(headers: Record<string, string>, failure: Failure | undefined): { note?: string } {
  const lines = [
    ...['www-authenticate', 'location'].flatMap((name) =>
      headers[name] ? [`${name}: ${headers[name]}`] : [],
    ),
    ...(failure ? [`${errors[failure.code].cause}${failure.detail ? ` (${failure.detail})` : ''}`] : []),
  ]
  return lines.length > 0 ? { note: lines.join('\n') } : {}
}

/** Remembers what was hidden and blots it out of any text. */
function createEchoes(): {
  readonly learn: (secret: string) => void
  readonly silence: (text: string) => string
  readonly silenceStep: (step: TraceStep) => TraceStep
} {
  let secrets: string[] = []
  const learn = (secret: string): void => {
    // Shorter ones are words of any text, and no server issues secrets like that.
    if (secret.length < 8 || secret.length > 8192 || secrets.length >= MAX_SECRETS) return
    const spellings = [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)]
    // Longest first: one secret may be part of another.
    secrets = [...new Set([...secrets, ...spellings])].sort((a, b) => b.length - a.length)
  }
  const silence = (text: string): string =>
    secrets.reduce((rest, secret) => rest.replaceAll(secret, '[redacted]'), text)
  const silenceBody = <T extends { body?: string | undefined }>(part: T): T =>
    part.body === undefined ? part : { ...part, body: silence(part.body) }
  const silenceStep = ({ step, request, response, note, ...rest }: TraceStep): TraceStep => ({
    ...rest,
    step: silence(step),
    ...(request && { request: { ...silenceBody(request), url: silence(request.url) } }),
    ...(response && { response: silenceBody(response) }),
    ...(note === undefined ? {} : { note: silence(note) }),
  })
  return { learn, silence, silenceStep }
}

function shorten(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text
}
