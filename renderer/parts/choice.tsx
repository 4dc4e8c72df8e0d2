/** One of a few values. Its label is read, not shown: the values speak for themselves. */
export function Choice<Value extends string>({
  label,
  value,
  options,
  onChange,
  disabled = false,
}: {
  readonly label: string
  readonly value: Value
  readonly options: readonly (readonly [value: Value, words: string])[]
  readonly onChange: (value: Value) => void
  readonly disabled?: boolean
}) {
  return (
    <select
      aria-label={label}
      className="max-w-72 min-w-0 rounded-lg border border-control-line/60 bg-panel px-2 py-1.5 text-ink disabled:opacity-55"
      value={value}
      disabled={disabled}
      onChange={({ target }) => {
        const chosen = options.find(([one]) => one === target.value)
        if (chosen) onChange(chosen[0])
      }}
    >
      {options.map(([one, words]) => (
        <option key={one} value={one}>
          {words}
        </option>
      ))}
    </select>
  )
}
