import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useId, useState } from 'react'
import type { Settings } from '../../../shared/settings.ts'
import { failureOf } from '../../bridge/failure.ts'
import { FailureNote } from '../../parts/failure-note.tsx'
import { inputLook } from '../../parts/field.tsx'
import { Choice } from '../../parts/choice.tsx'
import { useBridge } from '../../state/bridge-context.ts'

/** What a person reads about a setting. */
export interface SettingWords {
  readonly key: keyof Settings
  readonly label: string
  readonly hint?: string
  readonly unit?: string
  readonly options?: readonly (readonly [string, string])[]
}

/** One setting: it is saved when it was changed and left. What could not be saved stays to be mended; Escape gives it up. */
export function SettingRow({
  words,
  value,
  usual,
}: {
  readonly words: SettingWords
  readonly value: Settings[keyof Settings]
  readonly usual: Settings[keyof Settings]
}) {
  const { bridge } = useBridge()
  const queries = useQueryClient()
  const id = useId()
  const { key, label, hint, unit, options } = words
  const now = value === undefined ? '' : String(value)
  const [typed, setTyped] = useState<string>()
  const saving = useMutation({
    mutationFn: (text: string) => bridge.settings.set({ key, value: text }),
    onSuccess: (all) => {
      queries.setQueryData<Settings>(['settings'], all)
      setTyped(undefined)
    },
  })
  const save = (): void => {
    if (typed !== undefined && typed.trim() !== now) saving.mutate(typed.trim())
  }
  const unusual =
    usual !== undefined &&
    value !== usual &&
    ` Usually ${options?.find(([one]) => one === usual)?.[1] ?? String(usual)}.`
  return (
    <div className="px-3.5 py-2.5">
      <div className="flex flex-wrap items-center justify-between gap-x-4 gap-y-1.5">
        <div className="min-w-48 flex-1">
          {options ? <span>{label}</span> : <label htmlFor={id}>{label}</label>}
          {(hint !== undefined || unusual) && (
            <p id={`${id}-hint`} className="text-small text-soft">
              {hint}
              {unusual}
            </p>
          )}
        </div>
        {options ? (
          <Choice
            label={label}
            value={now}
            options={options}
            disabled={saving.isPending}
            onChange={(text) => saving.mutate(text)}
          />
        ) : (
          <span className="flex items-center gap-2">
            <input
              id={id}
              className={`${inputLook} ${typeof usual === 'number' ? '!w-28 text-right' : '!w-64'}`}
              inputMode={typeof usual === 'number' ? 'numeric' : undefined}
              aria-describedby={hint === undefined && !unusual ? undefined : `${id}-hint`}
              aria-invalid={saving.isError}
              value={typed ?? now}
              onChange={({ target }) => setTyped(target.value)}
              onBlur={save}
              onKeyDown={({ key: pressed }) => {
                if (pressed === 'Enter') save()
                if (pressed === 'Escape') {
                  setTyped(undefined)
                  saving.reset()
                }
              }}
            />
            {unit !== undefined && <span className="w-14 text-small text-soft">{unit}</span>}
          </span>
        )}
      </div>
      {saving.error && (
        <div className="mt-2">
          <FailureNote failure={failureOf(saving.error)} />
        </div>
      )}
    </div>
  )
}
