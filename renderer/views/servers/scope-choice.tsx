import { Card } from '../../parts/card.tsx'

/** Scopes to tick before a sign-in. */
export function ScopeChoice({
  title,
  scopes,
  chosen,
  onChoose,
}: {
  readonly title: string
  readonly scopes: readonly string[]
  readonly chosen: ReadonlySet<string>
  readonly onChoose: (chosen: ReadonlySet<string>) => void
}) {
  const toggle = (scope: string): void => {
    const next = new Set(chosen)
    if (!next.delete(scope)) next.add(scope)
    onChoose(next)
  }
  return (
    <Card title={title}>
      <ul className="divide-y divide-line">
        {scopes.map((scope) => (
          <li key={scope}>
            <label className="flex items-center gap-2.5 px-3.5 py-2 hover:bg-hover">
              <input
                type="checkbox"
                className="size-4 accent-well"
                checked={chosen.has(scope)}
                onChange={() => toggle(scope)}
              />
              <code className="font-mono text-[12.5px]">{scope}</code>
            </label>
          </li>
        ))}
      </ul>
    </Card>
  )
}
