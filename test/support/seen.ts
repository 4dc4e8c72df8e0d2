import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http'

/** A request that reached a server of the tests, kept for assertions. */
export interface SeenRequest {
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  readonly body: string
  /** What was answered, where the server keeps answers; absent until the answer is complete. */
  answer?: { readonly status: number; readonly headers: OutgoingHttpHeaders; readonly body: string }
}

/** The parameters of a request: the query of a GET, else the form or the flat JSON object of the body. */
export function paramsOf(
  request: Pick<SeenRequest, 'method' | 'query' | 'headers' | 'body'>,
): URLSearchParams {
  if (request.method === 'GET') return request.query
  if (!request.headers['content-type']?.includes('json')) return new URLSearchParams(request.body)
  const params = new URLSearchParams()
  for (const [name, value] of Object.entries(asObject(request.body))) params.set(name, String(value))
  return params
}

const secretFields = [
  'access_token',
  'refresh_token',
  'id_token',
  'client_secret',
  'registration_access_token',
]
const secretParams = ['code', 'code_verifier', 'client_secret', 'refresh_token', 'token']

/**
 * Every secret that passed through these requests and their answers, by a label that says what it is:
 * tokens, client secrets, codes, code verifiers. A test looks for them where they must not be.
 */
export function secretsIn(requests: readonly SeenRequest[]): Map<string, string> {
  const labels = new Map<string, string>()
  const note = (label: string, value: unknown): void => {
    if (typeof value === 'string' && value !== '') labels.set(value, label)
  }
  for (const request of requests) {
    const params = paramsOf(request)
    if (request.method === 'POST') for (const name of secretParams) note(name, params.get(name))
    note('bearer', /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1])
    if (!request.answer) continue
    const answer = asObject(request.answer.body)
    for (const name of secretFields) note(name, answer[name])
    const { location } = request.answer.headers
    if (typeof location === 'string' && URL.canParse(location)) {
      note('code', new URL(location).searchParams.get('code'))
    }
  }
  return new Map([...labels].map(([value, label], index) => [`${label} #${index + 1}`, value]))
}

function asObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
