import { Switch } from '@base-ui/react/switch'
import { useId, type ReactNode } from 'react'

/** A switch with its words before it. */
export function Toggle({
  label,
  hint,
  checked,
  disabled = false,
  onChange,
}: {
  readonly label: string
  readonly hint?: ReactNode
  readonly checked: boolean
  readonly disabled?: boolean
  readonly onChange: (checked: boolean) => void
}) {
  const id = useId()
  return (
    <div className="flex items-center gap-4 px-3.5 py-2.5">
      <div className="min-w-0 flex-1">
        <span id={id}>{label}</span>
        {hint !== undefined && <div className="text-small text-soft">{hint}</div>}
      </div>
      <Switch.Root
        aria-labelledby={id}
        checked={checked}
        disabled={disabled}
        onCheckedChange={onChange}
        className="flex h-[22px] w-[38px] flex-none items-center rounded-full border border-control-line bg-ground p-[2px] transition-colors duration-150 data-checked:border-well data-checked:bg-well data-disabled:opacity-55"
      >
        <Switch.Thumb className="size-4 rounded-full bg-control-line transition-transform duration-150 data-checked:translate-x-4 data-checked:bg-on-well" />
      </Switch.Root>
    </div>
  )
}
