/** The middle of some numbers. */
export function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN
}

/** Divides two lists of measurements member by member. */
export function ratios<T extends { readonly [K in keyof T]: number }>(
  over: readonly T[],
  under: readonly T[],
): T[] {
  return over.map((measured, i) => {
    const base = under[i]
    const divided = Object.entries(measured).map(([name, value]) => [
      name,
      Number(value) / Number(base?.[name as keyof T]),
    ])
    return Object.fromEntries(divided) as T
  })
}
