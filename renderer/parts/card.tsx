import type { ReactNode } from 'react'

/** A titled part of a view: a small heading, then its content on a panel. */
export function Card({
  title,
  aside,
  children,
}: {
  readonly title: string
  readonly aside?: ReactNode
  readonly children: ReactNode
}) {
  return (
    <section aria-label={title} className="mt-6">
      <div className="mb-2 flex items-baseline justify-between gap-3">
        <h2 className="text-[11.5px] font-semibold tracking-[0.06em] text-soft uppercase">{title}</h2>
        {aside}
      </div>
      <div className="overflow-hidden rounded-xl border border-line bg-panel">{children}</div>
    </section>
  )
}
