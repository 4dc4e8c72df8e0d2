import { useState } from 'react'
import type { Connection } from '../../../shared/connection.ts'
import { Button } from '../../parts/button.tsx'
import { CopyButton } from '../../parts/copy-button.tsx'
import { Monogram } from '../../parts/monogram.tsx'
import { StateWord } from '../../parts/state-word.tsx'
import { inWords, useNow } from '../../parts/time.tsx'
import { useBridge } from '../../state/bridge-context.ts'
import { EndAccess } from './end-access.tsx'
import { LastSignIn } from './last-sign-in.tsx'
import { PendingQuestion } from './pending-question.tsx'
import { ScopeLedger } from './scope-ledger.tsx'
import { Tools } from './tools.tsx'

/** One server: what asks for the person first, then what it may do, what it offers, and how it got in. */
export function ServerView({ connection }: { readonly connection: Connection }) {
  const { bridge } = useBridge()
  const [ending, setEnding] = useState<'revoke' | 'remove'>()
  const { id, url } = connection
  const hasAccess = connection.scopes.granted.length > 0 || connection.status === 'connected'
  return (
    <div className="max-w-[60rem]">
      <header className="flex flex-wrap items-center gap-4">
        <Monogram name={id} large />
        <div className="min-w-48 flex-1">
          <h1 className="flex flex-wrap items-baseline gap-x-3 text-title font-semibold tracking-tight">
            {id} <StateWord connection={connection} />
          </h1>
          <p className="text-small text-soft">
            {new URL(url).host} · <AccessWords connection={connection} />
          </p>
        </div>
        <div className="flex flex-wrap gap-2">
          <CopyButton text={async () => (await bridge.connections.endpoint({ id, client: 'default' })).url}>
            Copy endpoint
          </CopyButton>
          {hasAccess && (
            <Button look="end" onClick={() => setEnding('revoke')}>
              Revoke access…
            </Button>
          )}
        </div>
      </header>
      <PendingQuestion connection={connection} />
      <ScopeLedger connection={connection} />
      <Tools connection={connection} />
      <LastSignIn connection={connection} />
      <footer className="mt-8 border-t border-line pt-4">
        <Button look="quiet" onClick={() => setEnding('remove')}>
          Remove this server…
        </Button>
      </footer>
      <EndAccess connection={connection} does={ending} onClose={() => setEnding(undefined)} />
    </div>
  )
}

/** Who is signed in, and how long that lasts. */
function AccessWords({ connection }: { readonly connection: Connection }) {
  const now = useNow()
  const { account, auth, expiresAt, renews, status } = connection
  if (auth === 'none') return 'serves without a sign-in'
  if (auth !== 'oauth') return 'a key of your own, no expiry known'
  if (status === 'signed-out' || status === 'signing-in') return 'not signed in'
  const who = account === undefined ? 'signed in' : `signed in as ${account}`
  if (expiresAt === undefined) return `${who} · no expiry known`
  const when = inWords(expiresAt, now)
  return renews ? `${who} · renews by itself, next ${when}` : `${who} · ends ${when}`
}
