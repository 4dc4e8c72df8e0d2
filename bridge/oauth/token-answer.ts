/** A longer life, in seconds, is no end at all: a hundred years. Beyond what a date can hold it would break every list it is shown in. */
const longestLife = 100 * 365.25 * 24 * 3600

/**
 * Makes a token endpoint's answer readable for a strict parser without changing what it grants. A rotated refresh token that is
 * thrown away over a formality is a lost grant, so what servers in the field get wrong is mended here:
 * a JSON body under another content type, a missing `token_type`, a token under status 201, an error under status 200 or beside a
 * challenge, an `expires_in` that is no number.
 * The ID token is taken out: it says who signed in, it is not needed to use the grant, and it must not make it fail.
 * @see [RFC 6749 §5.1](https://www.rfc-editor.org/rfc/rfc6749.html#section-5.1)
 */
export async function readTokenAnswer(response: Response): Promise<{ response: Response; idToken?: string }> {
  const text = await response.text()
  const body = parseObject(text)
  if (!body) return { response: rebuilt(response, response.status, text) }
  const { id_token: idToken, ...answer } = body
  const isGranted = typeof answer['access_token'] === 'string' && answer['access_token'] !== ''
  const isRefused = typeof answer['error'] === 'string' && !isGranted
  const status = !response.ok ? response.status : isGranted ? 200 : isRefused ? 400 : response.status
  if (isGranted) {
    answer['token_type'] ??= 'Bearer'
    const lifetime = Number(answer['expires_in'])
    if (answer['expires_in'] === null || !(lifetime > 0 && lifetime < longestLife))
      delete answer['expires_in']
    else answer['expires_in'] = lifetime
    if (typeof answer['refresh_token'] !== 'string' || answer['refresh_token'] === '')
      delete answer['refresh_token']
    if (Array.isArray(answer['scope'])) answer['scope'] = answer['scope'].join(' ')
    if (typeof answer['scope'] !== 'string') delete answer['scope']
  }
  return {
    response: rebuilt(response, status, JSON.stringify(answer), isRefused),
    ...(typeof idToken === 'string' ? { idToken } : {}),
  }
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}

function rebuilt(original: Response, status: number, body: string, isRefused = false): Response {
  const headers = new Headers(original.headers)
  headers.delete('content-length')
  if (body.trimStart().startsWith('{')) headers.set('content-type', 'application/json')
  // A challenge would be heard instead of the error, which says more.
  if (isRefused) headers.delete('www-authenticate')
  return new Response(body === '' ? null : body, { status, headers })
}
