import { useMutation } from '@tanstack/react-query'
import { useLocation } from 'wouter'
import type { Connection, Receipt, ReceiptPart } from '../../../shared/connection.ts'
import { failureOf } from '../../bridge/failure.ts'
import { Button } from '../../parts/button.tsx'
import { FailureNote } from '../../parts/failure-note.tsx'
import { Sheet } from '../../parts/sheet.tsx'
import { useBridge } from '../../state/bridge-context.ts'

/** Asks once before access ends, says what will end and for whom, and then shows what was truly achieved. */
export function EndAccess({
  connection,
  does,
  onClose,
}: {
  readonly connection: Connection
  readonly does: 'revoke' | 'remove' | undefined
  readonly onClose: () => void
}) {
  const { bridge } = useBridge()
  const [, go] = useLocation()
  const { id, url } = connection
  const ending = useMutation({
    mutationFn: (what: 'revoke' | 'remove') =>
      what === 'revoke' ? bridge.connections.revoke({ id }) : bridge.connections.remove({ id }),
    onSuccess: (_, what) => {
      if (what === 'remove') go('/servers')
    },
  })
  const close = (): void => {
    onClose()
    ending.reset()
  }
  const isRemoval = does === 'remove'
  return (
    <Sheet
      title={isRemoval ? `Remove ${id}` : `Revoke access to ${id}`}
      isOpen={does !== undefined}
      onClose={close}
    >
      {ending.data ? (
        <ReceiptParts receipt={ending.data} onClose={close} />
      ) : (
        <>
          <p className="mt-2">
            Every call and stream of every client app to {new URL(url).host} ends now, and the server is told
            to end the access that you gave.{' '}
            {isRemoval ? 'Then the server is forgotten here.' : 'The server stays in the list.'}
          </p>
          {ending.error && (
            <div className="mt-3">
              <FailureNote failure={failureOf(ending.error)} />
            </div>
          )}
          <div className="mt-5 flex justify-end gap-2">
            <Button onClick={close}>Keep it</Button>
            <Button look="end" disabled={ending.isPending} onClick={() => does && ending.mutate(does)}>
              {ending.isPending ? 'Ending it…' : isRemoval ? 'Revoke and remove' : 'Revoke access'}
            </Button>
          </div>
        </>
      )}
    </Sheet>
  )
}

const outcomes: Record<ReceiptPart, string> = {
  confirmed: '✓ The server confirmed it',
  failed: '✕ The server did not confirm it',
  'not-offered': '– The server offers no way to revoke it',
  'not-held': '– There was none',
}

/** What became of each part. */
function ReceiptParts({ receipt, onClose }: { readonly receipt: Receipt; readonly onClose: () => void }) {
  return (
    <div role="status">
      <dl className="mt-3 grid grid-cols-[9rem_minmax(0,1fr)] gap-x-4 gap-y-2">
        <dt className="text-soft">Refresh token</dt>
        <dd>{outcomes[receipt.refreshToken]}</dd>
        <dt className="text-soft">Access token</dt>
        <dd>{outcomes[receipt.accessToken]}</dd>
        <dt className="text-soft">On this machine</dt>
        <dd>✓ Removed</dd>
      </dl>
      {receipt.failures.map((failure) => (
        <div key={failure.code} className="mt-3">
          <FailureNote failure={failure} />
        </div>
      ))}
      <div className="mt-5 flex justify-end">
        <Button look="go" onClick={onClose}>
          Done
        </Button>
      </div>
    </div>
  )
}
