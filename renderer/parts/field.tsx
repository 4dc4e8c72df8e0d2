import { useId, type InputHTMLAttributes } from 'react'

interface FieldProps extends InputHTMLAttributes<HTMLInputElement> {
  readonly label: string
  /** Shown below, and read with the field. */
  readonly hint?: string
}

export const inputLook =
  'w-full min-w-0 rounded-lg border border-control-line/60 bg-ground px-2.5 py-1.5 text-ink aria-invalid:border-broken'

/** A field with its label above. */
export function Field({ label, hint, className = '', ...rest }: FieldProps) {
  const id = useId()
  return (
    <div className={className}>
      <label htmlFor={id} className="mb-1 block text-small text-soft">
        {label}
      </label>
      <input id={id} className={inputLook} aria-describedby={hint ? `${id}-hint` : undefined} {...rest} />
      {hint && (
        <p id={`${id}-hint`} className="mt-1 text-small text-soft">
          {hint}
        </p>
      )}
    </div>
  )
}
