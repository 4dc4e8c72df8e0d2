import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { ClientWish } from '../../../shared/client-change.ts'
import { failureOf } from '../../bridge/failure.ts'
import { Button } from '../../parts/button.tsx'
import { FailureNote } from '../../parts/failure-note.tsx'
import { useLast } from '../../parts/last.ts'
import { Sheet } from '../../parts/sheet.tsx'
import { useBridge } from '../../state/bridge-context.ts'
import { clientAppsKey } from '../../state/client-apps.ts'
import { PlanChanges } from './plan-changes.tsx'

/** Shows the exact change that a wish means, and makes it, and nothing else, when the person agrees. */
export function ChangeSheet({
  wish,
  onClose,
  onDone,
}: {
  readonly wish: ClientWish | undefined
  readonly onClose: () => void
  /** Gets the id by which the change is undone; undefined when it cannot be, or was an undo itself. */
  readonly onDone: (undo: string | undefined) => void
}) {
  const shown = useLast(wish)
  return (
    <Sheet title={shown ? titles[shown.does] : ''} isOpen={wish !== undefined} onClose={onClose} isWide>
      {shown && <Change wish={shown} onClose={onClose} onDone={onDone} />}
    </Sheet>
  )
}

const titles: Record<ClientWish['does'], string> = {
  add: 'What will be added',
  remove: 'What will be removed',
  'take-over': 'What will be taken over',
  'clean-up': 'What will be deleted',
  undo: 'What will be as it was',
}

function Change({
  wish,
  onClose,
  onDone,
}: {
  readonly wish: ClientWish
  readonly onClose: () => void
  readonly onDone: (undo: string | undefined) => void
}) {
  const { bridge } = useBridge()
  const queries = useQueryClient()
  const plan = useQuery({
    queryKey: ['client-plan', wish],
    queryFn: () => bridge.clients.plan({ wish, place: {} }),
    staleTime: 0,
    gcTime: 0,
  })
  const applying = useMutation({
    mutationFn: (digest: string) => bridge.clients.apply({ wish, place: {}, digest }),
    onSuccess: ({ undo }) => {
      onDone(wish.does === 'undo' ? undefined : (undo ?? undefined))
      onClose()
    },
    // What was shown may be something else by now.
    onError: () => plan.refetch(),
    onSettled: () => queries.invalidateQueries({ queryKey: clientAppsKey }),
  })
  const { data } = plan
  const doesNothing = data?.changes.length === 0 && data.commands.length === 0
  const failure = applying.error ?? plan.error
  return (
    <>
      {!data && !plan.error && <p className="mt-3 text-soft">Reading its settings…</p>}
      {data && <PlanChanges plan={data} />}
      {doesNothing && <p className="mt-3">Nothing has to be changed.</p>}
      {failure && (
        <div className="mt-3">
          <FailureNote failure={failureOf(failure)} />
        </div>
      )}
      <div className="mt-5 flex justify-end gap-2">
        <Button onClick={onClose}>{doesNothing ? 'Close' : 'Not now'}</Button>
        {!doesNothing && (
          <Button
            look="go"
            disabled={!data || plan.isFetching || applying.isPending}
            onClick={() => data && applying.mutate(data.digest)}
          >
            {applying.isPending ? 'Making the change…' : 'Make this change'}
          </Button>
        )}
      </div>
    </>
  )
}
