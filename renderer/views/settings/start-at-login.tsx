import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { failureOf } from '../../bridge/failure.ts'
import type { DesktopClient } from '../../bridge/connect.ts'
import { Card } from '../../parts/card.tsx'
import { FailureNote } from '../../parts/failure-note.tsx'
import { Toggle } from '../../parts/toggle.tsx'

const queryKey = ['desktop-settings']

/** What only the tray app can do. */
export function StartAtLogin({ desktop }: { readonly desktop: DesktopClient }) {
  const queries = useQueryClient()
  const { data, error } = useQuery({ queryKey, queryFn: () => desktop.settings({}) })
  const setting = useMutation({
    mutationFn: (startAtLogin: boolean) => desktop.set({ startAtLogin }),
    onSuccess: (now) => queries.setQueryData(queryKey, now),
  })
  const failure = setting.error ?? error
  return (
    <Card title="Tray app">
      <Toggle
        label="Start when you log in"
        checked={data?.startAtLogin ?? false}
        disabled={!data || setting.isPending}
        onChange={setting.mutate}
      />
      {failure && <FailureNote failure={failureOf(failure)} />}
    </Card>
  )
}
