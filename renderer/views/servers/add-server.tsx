import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useLocation, useSearchParams } from 'wouter'
import type { Look } from '../../../shared/connection.ts'
import type { AddConnection } from '../../../shared/control.ts'
import { failureOf } from '../../bridge/failure.ts'
import { Button } from '../../parts/button.tsx'
import { Card } from '../../parts/card.tsx'
import { CopyButton } from '../../parts/copy-button.tsx'
import { FailureNote } from '../../parts/failure-note.tsx'
import { Field } from '../../parts/field.tsx'
import { useBridge } from '../../state/bridge-context.ts'
import { ScopeChoice } from './scope-choice.tsx'

/** Adding a server: its address, what a live look at it found, and Connect. */
export function AddServer() {
  const [parameters] = useSearchParams()
  const given = parameters.get('url') ?? ''
  const [typed, setTyped] = useState(given)
  const [address, setAddress] = useState(given)
  const { bridge } = useBridge()
  const look = useQuery({
    queryKey: ['look', address],
    queryFn: () => bridge.connections.look({ url: address }),
    enabled: address !== '',
    staleTime: 0,
  })
  return (
    <div className="max-w-[44rem]">
      <h1 className="text-title font-semibold tracking-tight">Add a server</h1>
      <form
        className="mt-4 flex items-end gap-2"
        onSubmit={(event) => {
          event.preventDefault()
          setAddress(typed.trim())
          if (typed.trim() === address) void look.refetch()
        }}
      >
        <Field
          className="flex-1"
          label="The address of the server"
          placeholder="https://mcp.example.com/mcp"
          inputMode="url"
          autoFocus={given === ''}
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
        />
        <Button
          type="submit"
          look={address === '' ? 'go' : 'plain'}
          disabled={typed.trim() === '' || look.isFetching}
        >
          {look.isFetching ? 'Looking…' : 'Look at it'}
        </Button>
      </form>
      <div aria-live="polite" className="mt-5">
        {look.isFetching && <p className="text-soft">Asking {hostOf(address)} what it wants…</p>}
        {!look.isFetching && look.error && <FailureNote failure={failureOf(look.error)} />}
        {!look.isFetching && look.data && <Found key={address} address={address} look={look.data} />}
      </div>
    </div>
  )
}

function hostOf(address: string): string {
  return URL.canParse(address) ? new URL(address).host : address
}

const registrations = {
  'pre-registered': 'With a client that is registered already',
  'metadata-document': 'By a metadata document; nothing is registered there',
  dynamic: 'Registers by itself',
  ask: 'You register Bridgekeeper once, by hand',
} as const

/** What the look found, and what is to be chosen before the browser opens. */
function Found({ address, look }: { readonly address: string; readonly look: Look }) {
  const [scopes, setScopes] = useState<ReadonlySet<string>>(() => new Set(look.scopes))
  const [clientId, setClientId] = useState('')
  const [clientSecret, setClientSecret] = useState('')
  const [bearer, setBearer] = useState('')
  const [usesBearer, setUsesBearer] = useState(false)
  const { connect, failure, isPending } = useConnect()
  const needsClient = look.registration === 'ask' && !usesBearer
  const isOpen = look.asks === 'none' && !look.failure
  const submit = (): void => {
    const own = {
      ...(clientId === '' ? {} : { clientId: clientId.trim() }),
      ...(clientSecret === '' ? {} : { clientSecret }),
    }
    const isAll = scopes.size === look.scopes.length
    connect(
      usesBearer
        ? { url: address, bearer }
        : { url: address, ...own, ...(isAll ? {} : { scopes: [...scopes] }) },
    )
  }
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        submit()
      }}
    >
      {look.failure && <FailureNote failure={look.failure} />}
      <Card title="What it says">
        <dl className="grid grid-cols-[9rem_minmax(0,1fr)] gap-x-4 gap-y-2 px-3.5 py-3">
          <dt className="text-soft">Server</dt>
          <dd>{hostOf(address)}</dd>
          <dt className="text-soft">Signs you in</dt>
          <dd>{isOpen ? 'Nobody: it serves without a sign-in' : (look.issuer ?? 'It does not say')}</dd>
          {look.registration && (
            <>
              <dt className="text-soft">Registration</dt>
              <dd>{registrations[look.registration]}</dd>
            </>
          )}
        </dl>
      </Card>
      {look.scopes.length > 0 && !usesBearer && (
        <ScopeChoice title="What you would allow" scopes={look.scopes} chosen={scopes} onChoose={setScopes} />
      )}
      {needsClient && (
        <Card title="Your client at this server">
          <div className="grid gap-3 px-3.5 py-3">
            <p>
              This server does not register clients by itself. Create an OAuth application there, with exactly
              this redirect URI, and paste its client id here.
            </p>
            <div className="flex items-center gap-2">
              <code className="min-w-0 flex-1 rounded-lg bg-ground px-2.5 py-1.5 font-mono text-small">
                {look.redirectUri}
              </code>
              <CopyButton text={look.redirectUri}>Copy</CopyButton>
            </div>
            <Field
              label="Client id"
              required
              value={clientId}
              onChange={(event) => setClientId(event.target.value)}
              autoComplete="off"
            />
            <Field
              label="Client secret, if it has one"
              type="password"
              value={clientSecret}
              onChange={(event) => setClientSecret(event.target.value)}
              autoComplete="off"
            />
          </div>
        </Card>
      )}
      {usesBearer && (
        <Card title="A token of your own">
          <div className="px-3.5 py-3">
            <Field
              label="Bearer token"
              type="password"
              required
              hint="It is sealed at once and never shown again."
              value={bearer}
              onChange={(event) => setBearer(event.target.value)}
              autoComplete="off"
            />
          </div>
        </Card>
      )}
      {failure && (
        <div className="mt-5">
          <FailureNote failure={failure} />
        </div>
      )}
      <div className="mt-5 flex flex-wrap items-center gap-2">
        <Button look="go" type="submit" disabled={isPending}>
          {isPending ? 'Adding…' : isOpen ? 'Add' : usesBearer ? 'Add with this token' : 'Connect'}
        </Button>
        {!isOpen && (
          <Button look="quiet" onClick={() => setUsesBearer(!usesBearer)}>
            {usesBearer ? 'Sign in instead' : 'Use a bearer token instead'}
          </Button>
        )}
      </div>
    </form>
  )
}

/** Adds a connection and, where it signs in, begins that with the same click. */
function useConnect() {
  const { bridge, signIns } = useBridge()
  const [, go] = useLocation()
  const adding = useMutation({
    mutationFn: (wish: AddConnection) => bridge.connections.add(wish),
    onSuccess: ({ connection }) => {
      if (connection.auth === 'oauth') signIns.begin(connection.id)
      go(`/servers/${connection.id}`)
    },
  })
  return {
    connect: adding.mutate,
    isPending: adding.isPending,
    failure: adding.error ? failureOf(adding.error) : undefined,
  }
}
