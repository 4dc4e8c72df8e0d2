import { useState } from 'react'
import type { Connection } from '../../../shared/connection.ts'
import { Button } from '../../parts/button.tsx'
import { Card } from '../../parts/card.tsx'
import { Sheet } from '../../parts/sheet.tsx'
import { useBridge } from '../../state/bridge-context.ts'
import { ScopeChoice } from './scope-choice.tsx'

/** What was asked for and what was granted, scope by scope, with a way to sign in with fewer or more. */
export function ScopeLedger({ connection }: { readonly connection: Connection }) {
  const [isChoosing, setIsChoosing] = useState(false)
  const { asked, granted } = connection.scopes
  const waiting = connection.stepUp?.scopes ?? []
  const all = [...new Set([...asked, ...granted, ...waiting])]
  if (all.length === 0) return null
  const change = (
    <Button look="quiet" className="!py-0.5" onClick={() => setIsChoosing(true)}>
      Change…
    </Button>
  )
  return (
    <>
      <Card title="What it may do" aside={connection.auth === 'oauth' && change}>
        <table className="w-full text-left">
          <thead className="text-small text-soft">
            <tr>
              <th className="px-3.5 py-2 font-normal">Scope</th>
              <th className="px-3.5 py-2 font-normal">Asked</th>
              <th className="px-3.5 py-2 font-normal">Granted</th>
            </tr>
          </thead>
          <tbody>
            {all.map((scope) => (
              <tr key={scope} className="border-t border-line">
                <td className="px-3.5 py-2 font-mono text-[12.5px]">{scope}</td>
                <td className="px-3.5 py-2">
                  {waiting.includes(scope) && !asked.includes(scope) ? (
                    <span className="text-asked">now</span>
                  ) : asked.includes(scope) ? (
                    'yes'
                  ) : (
                    'no'
                  )}
                </td>
                <td className="px-3.5 py-2">
                  {granted.includes(scope) ? <span className="font-bold text-well">✓ yes</span> : 'no'}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Card>
      <Sheet title="Sign in with other scopes" isOpen={isChoosing} onClose={() => setIsChoosing(false)}>
        <ChooseAgain connection={connection} scopes={all} onDone={() => setIsChoosing(false)} />
      </Sheet>
    </>
  )
}

function ChooseAgain({
  connection,
  scopes,
  onDone,
}: {
  readonly connection: Connection
  readonly scopes: readonly string[]
  readonly onDone: () => void
}) {
  const { signIns } = useBridge()
  const [chosen, setChosen] = useState<ReadonlySet<string>>(() => new Set(connection.scopes.granted))
  return (
    <>
      <p className="mt-2 text-soft">
        The server is asked for exactly these. What it grants is its own decision.
      </p>
      <ScopeChoice title="Scopes" scopes={scopes} chosen={chosen} onChoose={setChosen} />
      <div className="mt-5 flex justify-end gap-2">
        <Button onClick={onDone}>Not now</Button>
        <Button
          look="go"
          onClick={() => {
            signIns.begin(connection.id, [...chosen])
            onDone()
          }}
        >
          Sign in again
        </Button>
      </div>
    </>
  )
}
