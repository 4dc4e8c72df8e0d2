import { useMutation } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import type { Connection } from '../../../shared/connection.ts'
import { failureOf } from '../../bridge/failure.ts'
import { Button } from '../../parts/button.tsx'
import { CopyButton } from '../../parts/copy-button.tsx'
import { FailureNote } from '../../parts/failure-note.tsx'
import { Field } from '../../parts/field.tsx'
import { useBridge } from '../../state/bridge-context.ts'
import { useSignIn } from '../../state/sign-ins.ts'

/** What the person is asked for at this server, if anything: at most one question at a time, with one thing to press. */
export function PendingQuestion({ connection }: { readonly connection: Connection }) {
  const { signIns } = useBridge()
  const { id, status, stepUp, failure } = connection
  const attempt = useSignIn(signIns, id)
  if (status === 'signing-in') return <Waiting connection={connection} />
  if (stepUp) return <StepUpQuestion connection={connection} />
  const shown = attempt.failure ?? failure
  if (shown) {
    return (
      <div className="mt-5">
        <FailureNote failure={shown}>
          {connection.auth === 'oauth' && (
            <Button look="go" onClick={() => signIns.begin(id)}>
              {status === 'sign-in-again' ? 'Sign in again' : 'Try again'}
            </Button>
          )}
        </FailureNote>
      </div>
    )
  }
  if (status !== 'signed-out') return null
  return (
    <Note words="You are not signed in. Your client apps still see its tools, and are told to ask you.">
      <Button look="go" onClick={() => signIns.begin(id)}>
        Connect
      </Button>
    </Note>
  )
}

function Note({ words, children }: { readonly words: React.ReactNode; readonly children: React.ReactNode }) {
  return (
    <div className="mt-5 flex flex-wrap items-center gap-3 rounded-xl bg-asked-ground px-3.5 py-3">
      <p className="min-w-56 flex-1">{words}</p>
      <div className="flex flex-wrap gap-2">{children}</div>
    </div>
  )
}

/** What a server's 403 asked for, as a difference to what it has, and by which call. */
function StepUpQuestion({ connection }: { readonly connection: Connection }) {
  const { signIns } = useBridge()
  const { id, scopes, stepUp } = connection
  if (!stepUp) return null
  const { by } = stepUp
  const more = stepUp.scopes.filter((scope) => !scopes.granted.includes(scope))
  return (
    <Note
      words={
        <>
          <b className="font-semibold text-asked">
            {by.client} wants to use {by.name ?? by.method ?? 'this server'}.
          </b>{' '}
          {id} asks for {more.length === 1 ? 'one more permission' : `${more.length} more permissions`} for
          that:{' '}
          {more.map((scope, index) => (
            <span key={scope}>
              {index > 0 && ', '}
              <code className="font-mono text-[12.5px]">{scope}</code>
            </span>
          ))}
          . The call is waiting.
        </>
      }
    >
      <Button look="go" onClick={() => signIns.begin(id)}>
        Allow in browser
      </Button>
    </Note>
  )
}

/** A sign-in that waits for the browser. It goes on in the bridge when this window is closed. */
function Waiting({ connection }: { readonly connection: Connection }) {
  const { bridge, signIns } = useBridge()
  const { id } = connection
  const { url } = useSignIn(signIns, id)
  const [isPasting, setIsPasting] = useState(false)
  useEffect(() => signIns.join(id), [signIns, id])
  return (
    <section aria-label="Sign-in" className="mt-5 rounded-xl bg-asked-ground px-3.5 py-3">
      <p role="status">
        <b className="font-semibold text-asked">Waiting for you in the browser.</b>{' '}
        {url === undefined
          ? 'Finding out who signs you in…'
          : 'Finish the sign-in there; you can close this window meanwhile.'}
      </p>
      <div className="mt-3 flex flex-wrap gap-2">
        <Button disabled={url === undefined} onClick={() => signIns.openAgain(id)}>
          Open the browser again
        </Button>
        <CopyButton text={url ?? ''}>Copy the link</CopyButton>
        <Button aria-expanded={isPasting} onClick={() => setIsPasting(!isPasting)}>
          Paste the callback…
        </Button>
        <Button
          look="quiet"
          onClick={() => void bridge.connections.cancelSignIn({ id }).catch(() => undefined)}
        >
          Cancel
        </Button>
      </div>
      {isPasting && <PasteCallback connection={connection} />}
    </section>
  )
}

/** For a browser on another machine: it ends at an address that does not load, and that address is what is needed. */
function PasteCallback({ connection }: { readonly connection: Connection }) {
  const { bridge } = useBridge()
  const [address, setAddress] = useState('')
  const finishing = useMutation({
    mutationFn: () => bridge.connections.finishSignIn({ id: connection.id, callbackUrl: address.trim() }),
  })
  return (
    <form
      className="mt-3 grid gap-3"
      onSubmit={(event) => {
        event.preventDefault()
        finishing.mutate()
      }}
    >
      <div className="flex items-end gap-2">
        <Field
          className="flex-1"
          label="The address the browser ended at"
          placeholder="http://127.0.0.1:47330/oauth/callback?code=…"
          autoFocus
          autoComplete="off"
          value={address}
          onChange={(event) => setAddress(event.target.value)}
        />
        <Button type="submit" disabled={address.trim() === '' || finishing.isPending}>
          {finishing.isPending ? 'Finishing…' : 'Finish'}
        </Button>
      </div>
      {finishing.error && <FailureNote failure={failureOf(finishing.error)} />}
    </form>
  )
}
