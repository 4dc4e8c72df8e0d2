import type { Secret } from '../secret.ts'
import { isSecretName } from './plain-secrets.ts'

const mark = '[redacted]'

/** A text for people, in which no secret is left: none of those known, and nothing that looks like one. */
export function masked(text: string, secrets: readonly Secret[]): string {
  let result = text
  const values = secrets.map((secret) => secret.reveal()).filter((value) => value.length >= 4)
  for (const value of values.sort((a, b) => b.length - a.length)) {
    result = result.replaceAll(value, mark).replaceAll(JSON.stringify(value).slice(1, -1), mark)
  }
  return result.split('\n').map(maskLine).join('\n')
}

function maskLine(line: string): string {
  return (
    line
      // The client key in an address of the bridge.
      .replaceAll(/(https?:\/\/(?:127\.0\.0\.1|localhost|\[::1\]):\d+\/)[\w-]{16,}(?=\/)/g, `$1${mark}`)
      .replaceAll(/\b(bearer|basic)(\s+)[\w.~+/=-]{6,}/gi, `$1$2${mark}`)
      .replaceAll(/\beyJ[\w-]+\.[\w-]+\.[\w-]*/g, mark)
      .replaceAll(/\b(sk-|gh[pous]_|github_pat_|glpat-|xox[a-z]-|lin_api_|AKIA|AIza)[\w-]{6,}/g, `$1${mark}`)
      .replaceAll(/:\/\/[^/\s:@"']+:[^/\s@"']+@/g, `://${mark}@`)
      .replaceAll(/([?&][\w.-]*(?:token|key|secret|sig|password)[\w.-]*=)[^&\s"'#]+/gi, `$1${mark}`)
      // `"name": "value"`, `name: value` and `name = "value"`.
      .replaceAll(
        /(["']?)([\w.-]+)\1(\s*[:=]\s*)("(?:[^"\\]|\\.)*"|'[^']*'|[^\s"',{}[\]][^\s,}\]]*)/g,
        (all: string, quote: string, name: string, between: string, value: string) => {
          const bare = value.replace(/^["']|["']$/g, '')
          const isOpen = bare.length < 4 || bare.includes(mark) || /^(true|false|null|\d+)$/.test(bare)
          if (!isSecretName(name) || isOpen) return all
          const edge = value === bare ? '' : (value[0] ?? '')
          return quote + name + quote + between + edge + mark + edge
        },
      )
  )
}
