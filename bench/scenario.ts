/**
 * What the tools of the benchmark's server do: a small result, a result of 1 or of 10 MB, progress messages as fast as they can be written,
 * and progress messages one by one. The name travels as `Mcp-Name`, as in a real call of the current revision.
 */
export type Tool = 'echo' | 'result-1' | 'result-10' | 'burst' | 'paced'

/** The token that the server wants to see and that a local client does not have. */
export const token = 'benchmark-token'

/** How many progress messages a call brings, and the milliseconds between two paced ones. */
export const messages = 1_000
export const paceMs = 1

/** Where to call. Only a direct call brings the token itself. */
export interface Place {
  readonly url: string
  readonly isDirect: boolean
}

/** Milliseconds on the clock that all processes of a machine share. */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
