import type { ReactNode } from 'react'

/** A view of one column: its title, what can be done with all of it, and below what it shows. */
export function Page({
  title,
  aside,
  children,
}: {
  readonly title: string
  readonly aside?: ReactNode
  readonly children: ReactNode
}) {
  return (
    <main className="min-h-0 overflow-y-auto px-5 py-5 min-[900px]:px-8 min-[900px]:py-6">
      <div className="max-w-[46rem]">
        <header className="flex min-h-9 flex-wrap items-center justify-between gap-3">
          <h1 className="text-title font-semibold tracking-tight">{title}</h1>
          {aside}
        </header>
        {children}
      </div>
    </main>
  )
}
