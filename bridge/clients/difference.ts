import { structuredPatch } from 'diff'
import type { Secret } from '../secret.ts'
import { masked } from './masking.ts'

const widest = 300

/**
 * What changes between two texts, in unified form with three lines around each change, for people to read: without line
 * endings' differences, without anything secret, and with very long lines cut.
 */
export function difference(before: string, after: string, secrets: readonly Secret[]): string {
  const { hunks } = structuredPatch('', '', before, after, undefined, undefined, { context: 3 })
  const lines = hunks.flatMap((hunk) => [
    `@@ -${hunk.oldStart},${hunk.oldLines} +${hunk.newStart},${hunk.newLines} @@`,
    ...hunk.lines.filter((line) => !line.startsWith('\\')),
  ])
  return masked(lines.map((line) => line.replace(/\r$/, '')).join('\n'), secrets)
    .split('\n')
    .map((line) => (line.length > widest ? `${line.slice(0, widest)}…` : line))
    .join('\n')
}
