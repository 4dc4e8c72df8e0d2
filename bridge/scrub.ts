/** What stands in the place of a secret. */
export const redacted = '[redacted]'

const secretName =
  /token|secret|authorization|passw|passphrase|bearer|cookie|verifier|assertion|credential|api[-_]?key|clientkey|^state$|^key$/i

/** Whether a field of this name holds something secret, as far as its name tells. */
export function namesSecret(name: string): boolean {
  return secretName.test(name)
}

/** The text without credentials of the usual schemes and without what stands in queries. */
export function scrubText(text: string): string {
  return text
    .replace(/\b(bearer|basic|dpop)\s+[^\s,;"']+/gi, `$1 ${redacted}`)
    .replace(/([?&#][\w.-]+=)[^&#\s"']+/g, `$1${redacted}`)
}
