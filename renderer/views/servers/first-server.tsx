import { useState } from 'react'
import { useLocation } from 'wouter'
import { Button } from '../../parts/button.tsx'
import { Field } from '../../parts/field.tsx'
import { Mark } from '../../parts/mark.tsx'

/** What a person sees who has no server yet: what this is, in one sentence, and the first thing to do. */
export function FirstServer() {
  const [address, setAddress] = useState('')
  const [, go] = useLocation()
  return (
    <main className="grid min-h-0 place-items-center overflow-y-auto p-6">
      <div className="w-full max-w-[30rem]">
        <Mark size={40} />
        <h1 className="mt-4 text-title font-semibold tracking-tight">Sign in once. Use it in every app.</h1>
        <p className="mt-2 text-soft">
          Bridgekeeper signs in to remote MCP servers, keeps the tokens sealed on this machine, and serves all
          your client apps without ever showing them one.
        </p>
        <form
          className="mt-6 flex items-end gap-2"
          onSubmit={(event) => {
            event.preventDefault()
            go(`/servers/add?url=${encodeURIComponent(address.trim())}`)
          }}
        >
          <Field
            className="flex-1"
            label="The address of a server"
            placeholder="https://mcp.example.com/mcp"
            inputMode="url"
            autoFocus
            value={address}
            onChange={(event) => setAddress(event.target.value)}
          />
          <Button look="go" type="submit" disabled={address.trim() === ''}>
            Look at it
          </Button>
        </form>
      </div>
    </main>
  )
}
