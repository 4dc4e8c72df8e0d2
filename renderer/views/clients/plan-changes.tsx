import type { ClientPlan } from '../../../shared/client-app.ts'

const deeds = { create: 'New file', change: 'Changed', delete: 'Deleted' } as const

/** What would be done, line by line. */
export function PlanChanges({ plan }: { readonly plan: ClientPlan }) {
  return (
    <>
      {plan.changes.map(({ path, does, difference }) => (
        <section key={path} aria-label={path} className="mt-3">
          <h3 className="text-small">
            <b className="font-semibold">{deeds[does]}</b> <code className="font-mono">{path}</code>
          </h3>
          {difference !== '' && <Difference text={difference} />}
        </section>
      ))}
      {plan.commands.map((words) => (
        <p key={words.join(' ')} className="mt-3">
          Runs <code className="font-mono text-small">{words.join(' ')}</code>
        </p>
      ))}
      {plan.notes.map((note) => (
        <p key={note} className="mt-3 text-soft">
          {note}
        </p>
      ))}
    </>
  )
}

function Difference({ text }: { readonly text: string }) {
  return (
    <pre
      tabIndex={0}
      role="region"
      aria-label="The difference"
      className="mt-1 max-h-80 overflow-auto rounded-lg bg-ground py-2 font-mono text-small break-words whitespace-pre-wrap"
    >
      {text
        .trimEnd()
        .split('\n')
        .map((line, index) => (
          // oxlint-disable-next-line react/no-array-index-key -- The text is shown once and never changes.
          <span key={index} className={`block px-2.5 ${lookOf(line)}`}>
            {line === '' ? ' ' : line}
          </span>
        ))}
    </pre>
  )
}

function lookOf(line: string): string {
  if (line.startsWith('+')) return 'bg-well-ground text-well'
  if (line.startsWith('-')) return 'bg-broken-ground text-broken'
  return 'text-soft'
}
