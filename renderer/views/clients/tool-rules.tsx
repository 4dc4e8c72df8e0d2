import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { AccessRule, Verdict } from '../../../shared/access.ts'
import type { ConnectionId } from '../../../shared/connection.ts'
import { failureOf } from '../../bridge/failure.ts'
import { Choice } from '../../parts/choice.tsx'
import { FailureNote } from '../../parts/failure-note.tsx'
import { useBridge } from '../../state/bridge-context.ts'

type Choosable = Verdict | 'default'

const verdicts: readonly (readonly [Choosable, string])[] = [
  ['allow', 'Allow'],
  ['ask', 'Ask me'],
  ['deny', 'Deny'],
]

/** What becomes of calls of the tools of one server, for one client app. */
export function ToolRules({
  connection,
  rules,
  disabled,
  onChange,
}: {
  readonly connection: ConnectionId
  readonly rules: readonly AccessRule[]
  readonly disabled: boolean
  readonly onChange: (tool: string, verdict: Choosable) => void
}) {
  const { bridge } = useBridge()
  const [isOpen, setIsOpen] = useState(false)
  const { data, error, isPending } = useQuery({
    queryKey: ['known-tools', connection],
    queryFn: () => bridge.connections.knownTools({ id: connection }),
    enabled: isOpen,
    staleTime: 0,
  })
  const usual = rules.find(({ tool }) => tool === '*')?.verdict ?? 'allow'
  const own = new Map(rules.filter(({ tool }) => tool !== '*').map(({ tool, verdict }) => [tool, verdict]))
  const names = [...new Set([...own.keys(), ...(data?.tools.map(({ name }) => name) ?? [])])]
  const usualWords = { allow: 'allow', ask: 'ask me', deny: 'deny' }[usual]
  return (
    <details
      className="border-t border-line bg-ground/50"
      onToggle={({ currentTarget }) => setIsOpen(currentTarget.open)}
    >
      <summary className="px-3.5 py-2 text-small text-soft hover:text-ink">
        Tools: {usualWords}
        {own.size > 0 && `, ${own.size} of their own`}
      </summary>
      <ul className="max-h-80 overflow-y-auto pb-2">
        <Rule label="Every tool that is not named below">
          <Choice
            label={`Every other tool of ${connection}`}
            value={usual}
            options={verdicts}
            disabled={disabled}
            onChange={(verdict) => onChange('*', verdict === 'allow' ? 'default' : verdict)}
          />
        </Rule>
        {names.map((name) => (
          <Rule key={name} label={<bdi className="font-mono text-small">{name}</bdi>}>
            <Choice
              label={`${name} of ${connection}`}
              value={own.get(name) ?? 'default'}
              options={[['default', `As the others: ${usualWords}`], ...verdicts]}
              disabled={disabled}
              onChange={(verdict) => onChange(name, verdict)}
            />
          </Rule>
        ))}
      </ul>
      {isOpen && isPending && <p className="px-3.5 pb-3 text-soft">Reading its tools…</p>}
      {data === null && (
        <p className="px-3.5 pb-3 text-small text-soft">
          Its tools are not known yet. They are, once a client app or the view of the server has listed them.
        </p>
      )}
      {error && <FailureNote failure={failureOf(error)} />}
    </details>
  )
}

function Rule({ label, children }: { readonly label: React.ReactNode; readonly children: React.ReactNode }) {
  return (
    <li className="flex items-center justify-between gap-3 px-3.5 py-1">
      <span className="min-w-0">{label}</span>
      {children}
    </li>
  )
}
