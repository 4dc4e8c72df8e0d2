import { median } from '../statistics.ts'

/** The three that are measured side by side: the least that could do it, the bridge, and mcp-remote. */
export type Name = 'bare' | 'ours' | 'peer'

/** What one measure gave, round by round; nothing for what could not be measured. */
type Figures = Readonly<Partial<Record<Name, readonly number[]>>>

/** One line of the table. */
export interface Row {
  readonly what: string
  readonly unit: string
  readonly figures: Figures
  /** The most or the least that the ratio, or the figure itself, may be. */
  readonly goal?: {
    readonly of: 'ratio' | 'figure'
    readonly atLeast?: number
    readonly atMost?: number
  }
}

/** The ratio of ours to the bare one, as the median of those within a round. */
function ratioOf({ bare = [], ours = [] }: Figures): number {
  return median(ours.map((value, round) => value / (bare[round] ?? Number.NaN)))
}

/** The rows as a table for a person. */
export function describe(rows: readonly Row[], missingPeer: string | undefined): string {
  const header = ['', 'bare', 'bridgekeeper', 'mcp-remote', '', 'ours / bare', 'goal', 'met']
  const lines = rows.map(({ what, unit, figures, goal }) => {
    const ratio = ratioOf(figures)
    const judged = goal?.of === 'figure' ? median(figures.ours ?? []) : ratio
    const { atLeast = -Infinity, atMost = Infinity } = goal ?? {}
    return [
      what,
      ...(['bare', 'ours', 'peer'] as const).map((name) => shown(figures[name])),
      unit,
      Number.isNaN(ratio) ? '' : ratio.toFixed(2),
      goal ? (goal.atLeast === undefined ? `≤ ${atMost}` : `≥ ${atLeast}`) : '',
      goal ? (judged >= atLeast && judged <= atMost ? 'yes' : 'NO') : '',
    ]
  })
  const widths = header.map((_, column) =>
    Math.max(...[header, ...lines].map((line) => line[column]?.length ?? 0)),
  )
  const table = [header, ...lines].map((line) =>
    line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  '),
  )
  const missing = missingPeer === undefined ? [] : ['', `mcp-remote was not measured: ${missingPeer}`]
  return `${[...table, ...missing].join('\n')}\n`
}

function shown(values: readonly number[] | undefined): string {
  if (!values || values.length === 0) return '-'
  const value = median(values)
  return value.toLocaleString('en', {
    maximumFractionDigits: value < 100 && !Number.isInteger(value) ? 2 : 0,
  })
}
