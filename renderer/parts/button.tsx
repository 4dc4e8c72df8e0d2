import type { ButtonHTMLAttributes } from 'react'

const looks = {
  plain: 'border-control-line/60 bg-panel text-ink hover:bg-hover',
  go: 'border-transparent bg-well text-on-well hover:opacity-90',
  end: 'border-control-line/60 bg-panel text-broken hover:bg-broken-ground',
  quiet: 'border-transparent bg-transparent text-soft hover:bg-hover hover:text-ink',
} as const

export type ButtonLook = keyof typeof looks

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  /** `go` for the one thing to do next, `end` for what ends something. */
  readonly look?: ButtonLook
}

/** A button. While what it began is under way, give it `disabled` and words that say so. */
export function Button({ look = 'plain', className = '', type = 'button', ...rest }: ButtonProps) {
  return (
    <button
      type={type}
      className={`inline-flex items-center justify-center gap-1.5 rounded-lg border px-3 py-1.5 font-medium whitespace-nowrap transition-colors duration-150 disabled:opacity-55 ${looks[look]} ${className}`}
      {...rest}
    />
  )
}
