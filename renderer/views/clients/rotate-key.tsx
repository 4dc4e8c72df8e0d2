import { useMutation, useQueryClient } from '@tanstack/react-query'
import type { ClientAppState } from '../../../shared/client-app.ts'
import { failureOf } from '../../bridge/failure.ts'
import { Button } from '../../parts/button.tsx'
import { FailureNote } from '../../parts/failure-note.tsx'
import { Sheet } from '../../parts/sheet.tsx'
import { useBridge } from '../../state/bridge-context.ts'
import { clientAppsKey } from '../../state/client-apps.ts'
import { PlanChanges } from './plan-changes.tsx'

/** Asks once, gives the app a new key, and says what was done for it. */
export function RotateKey({
  app,
  isOpen,
  onClose,
}: {
  readonly app: ClientAppState
  readonly isOpen: boolean
  readonly onClose: () => void
}) {
  const { bridge } = useBridge()
  const queries = useQueryClient()
  const rotating = useMutation({
    mutationFn: () => bridge.clients.rotateKey({ app: app.id, place: {} }),
    onSettled: () => queries.invalidateQueries({ queryKey: clientAppsKey }),
  })
  const { data } = rotating
  const failure = rotating.error ? failureOf(rotating.error) : data?.failure
  const close = (): void => {
    onClose()
    rotating.reset()
  }
  return (
    <Sheet title={`A new key for ${app.name}`} isOpen={isOpen} onClose={close} isWide>
      {data ? (
        <p role="status" className="mt-2">
          <b className="font-semibold text-well">The old key is refused from now on.</b> {app.restart}
        </p>
      ) : (
        <p className="mt-2">
          The key in its address is refused at once, its calls end, and its entries get the new one. Do this
          when somebody else may know the address.
        </p>
      )}
      {data && <PlanChanges plan={data} />}
      {failure && (
        <div className="mt-3">
          <FailureNote failure={failure} />
        </div>
      )}
      <div className="mt-5 flex justify-end gap-2">
        <Button onClick={close}>{data ? 'Done' : 'Keep the key'}</Button>
        {!data && (
          <Button look="end" disabled={rotating.isPending} onClick={() => rotating.mutate()}>
            {rotating.isPending ? 'Changing the key…' : 'Change the key'}
          </Button>
        )}
      </div>
    </Sheet>
  )
}
