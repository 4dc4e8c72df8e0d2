import { eventIterator, oc } from '@orpc/contract'
import { z } from 'zod'
import { AccessChange, AppAccess, Approval, ApprovalAnswer, ApprovalDetails, ClientName } from './access.ts'
import { ActivityFilter, ActivityPage, ActivityQuery, ActivityRecord } from './activity.ts'
import { ClientAppId, ClientAppState } from './client-app.ts'
import { ClientImports, ClientPlace, ClientPreview, ClientRotation, ClientWish } from './client-change.ts'
import { Connection, ConnectionId, Look, Receipt, Scope, Trace } from './connection.ts'
import { Failure } from './errors.ts'
import { BridgeEvent, SignInEvent } from './events.ts'
import { Settings } from './settings.ts'

const nothing = z.strictObject({})
const byId = z.strictObject({ id: ConnectionId })

/** Every procedure fails with one error, `FAILURE`, whose data is a `Failure`. */
const procedure = oc.errors({ FAILURE: { status: 422, data: Failure } })

/** What `add` needs: a server and, where it has no sign-in of its own, how to prove oneself. */
export const AddConnection = z.strictObject({
  url: z.string().max(4000),
  id: z.string().max(200).optional(),
  clientId: z.string().min(1).max(2000).optional(),
  clientSecret: z.string().min(1).max(4000).optional(),
  metadataUrl: z.string().max(2000).optional(),
  scopes: z.array(Scope).max(200).optional(),
  headers: z
    .array(z.strictObject({ name: z.string(), value: z.string() }))
    .max(20)
    .optional(),
  bearer: z.string().max(16_000).optional(),
  allowMissingPkce: z.boolean().optional(),
})
export type AddConnection = z.infer<typeof AddConnection>

/** A connection that was added, and what a look at its server found, where there was one. */
const Added = z.strictObject({ connection: Connection, look: Look.optional() })

export const BridgeStatus = z.strictObject({
  version: z.string(),
  pid: z.int(),
  url: z.string().describe('the origin of the local endpoint, http://127.0.0.1:PORT'),
  home: z.string(),
  keyStore: z.enum(['keychain', 'passphrase', 'key-file']),
  startedAt: z.number(),
  connections: z.int(),
})
export type BridgeStatus = z.infer<typeof BridgeStatus>

/** One thing that doctor looked at. `ok` without failure is well; with one it is a warning. */
export const Check = z.strictObject({
  check: z.string(),
  ok: z.boolean(),
  note: z.string().optional(),
  failure: Failure.optional(),
})
export type Check = z.infer<typeof Check>

/** A tool as the server lists it, reduced to what a person reads. */
export const Tool = z.strictObject({
  name: z.string(),
  title: z.string().optional(),
  description: z.string().optional(),
  inputSchema: z.unknown(),
})
export type Tool = z.infer<typeof Tool>

/** Everything a face may ask of the bridge. There is no other door, and none of these answers holds a token. */
export const control = {
  bridge: {
    status: procedure.input(nothing).output(BridgeStatus),
    stop: procedure.input(nothing).output(nothing),
    doctor: procedure.input(z.strictObject({ target: z.string().optional() })).output(z.array(Check)),
  },
  connections: {
    list: procedure.input(nothing).output(z.array(Connection)),
    get: procedure.input(byId).output(Connection),
    look: procedure.input(z.strictObject({ url: z.string().max(4000) })).output(Look),
    /** Adds a connection and looks at its server; with a key of the user's own there is nothing to look for. */
    add: procedure.input(AddConnection).output(Added),
    /**
     * Signs in, or steps up when a step-up is pending. Yields `authorize`, then `connected` or `failed`, and ends.
     * Closing the stream does not cancel the sign-in.
     */
    signIn: procedure
      .input(
        z.strictObject({ id: ConnectionId, scopes: z.array(Scope).optional(), openBrowser: z.boolean() }),
      )
      .output(eventIterator(SignInEvent)),
    cancelSignIn: procedure.input(byId).output(Connection),
    /** Finishes a sign-in with the address the browser ended at, for machines whose browser is elsewhere. */
    finishSignIn: procedure
      .input(z.strictObject({ id: ConnectionId, callbackUrl: z.string().max(20_000) }))
      .output(Connection),
    trace: procedure.input(byId).output(Trace.nullable()),
    revoke: procedure.input(byId).output(Receipt),
    /** Forgets the connection; what it still holds is revoked first. */
    remove: procedure.input(byId).output(Receipt.nullable()),
    /** Where a client app finds a connection, or all that it may use where none is named. */
    endpoint: procedure
      .input(z.strictObject({ id: ConnectionId.optional(), client: z.string().min(1).max(60) }))
      .output(z.strictObject({ url: z.string() })),
    /** The tools as the server lists them now. */
    tools: procedure.input(byId).output(z.array(Tool)),
    /** The tools as they were last seen, be the connection signed in or not; null where they are not known. */
    knownTools: procedure
      .input(byId)
      .output(z.strictObject({ tools: z.array(Tool), asOf: z.number() }).nullable()),
    /** Calls a tool through the local endpoint; the result is the server's, as it came. */
    call: procedure
      .input(
        z.strictObject({ id: ConnectionId, tool: z.string(), arguments: z.record(z.string(), z.unknown()) }),
      )
      .output(z.unknown()),
  },
  clients: {
    /** Every client app that is known: whether it is installed, and what it is set up with. */
    list: procedure.input(ClientPlace).output(z.array(ClientAppState)),
    /** What a wish would do, for a person to look at. No file is changed. */
    plan: procedure.input(z.strictObject({ wish: ClientWish, place: ClientPlace })).output(ClientPreview),
    /** Does what `plan` showed under this digest, or nothing: `clients.file_changed` when it would be something else by now. */
    apply: procedure
      .input(z.strictObject({ wish: ClientWish, place: ClientPlace, digest: z.string().max(100) }))
      .output(z.strictObject({ undo: z.string().nullable().describe('the id to undo it by, if it can be') })),
    /** Gives an app a new key and brings its entries up to date. The old key is refused at once. */
    rotateKey: procedure
      .input(z.strictObject({ app: ClientAppId, place: ClientPlace }))
      .output(ClientRotation),
    /** A link that makes an app offer a connection, or all of them. The client key is in it, as it is in every local URL. */
    link: procedure
      .input(z.strictObject({ app: ClientAppId, connection: ConnectionId.optional() }))
      .output(z.strictObject({ url: z.string() })),
    /** Looks for servers in the settings of one app or all that could become connections. */
    importable: procedure
      .input(z.strictObject({ app: ClientAppId.optional(), place: ClientPlace }))
      .output(ClientImports),
    /**
     * Makes a connection of an entry, or finds the one that there is. Secrets go from the file into the bridge; `values` are
     * those of headers that the file does not hold. The entry stays as it is until it is taken over.
     */
    import: procedure
      .input(
        z.strictObject({
          app: ClientAppId,
          path: z.string().max(4096),
          name: z.string().max(500),
          values: z
            .array(z.strictObject({ name: z.string().max(200), value: z.string().max(16_000) }))
            .max(20),
          place: ClientPlace,
        }),
      )
      .output(Added),
  },
  page: {
    /** The address of the page in a browser. It lets one browser in, once, within a minute. */
    invite: procedure.input(nothing).output(z.strictObject({ url: z.string() })),
  },
  access: {
    /** All client apps that something was said about; every other one may use all tools of all connections. */
    list: procedure.input(nothing).output(z.array(AppAccess)),
    get: procedure.input(z.strictObject({ client: ClientName })).output(AppAccess),
    /** In force, and on disk, when it is answered. */
    set: procedure.input(AccessChange).output(AppAccess),
  },
  approvals: {
    /** The calls that wait for a person. No event and no file has what they are called with. */
    list: procedure.input(nothing).output(z.array(ApprovalDetails)),
    answer: procedure
      .input(z.strictObject({ id: Approval.shape.id, answer: ApprovalAnswer }))
      .output(nothing),
  },
  /** What was called, by whom, and how it ended. */
  activity: {
    list: procedure.input(ActivityQuery).output(ActivityPage),
    /** Calls from now on, as they end. To a face that reads too slowly a gap says how many it missed. */
    follow: procedure.input(ActivityFilter).output(eventIterator(ActivityRecord)),
    /** The connections whose arguments and results are kept too, redacted. */
    payloads: procedure.input(nothing).output(z.array(ConnectionId)),
    setPayloads: procedure
      .input(z.strictObject({ connection: ConnectionId, on: z.boolean() }))
      .output(z.array(ConnectionId)),
    /** Deletes the record, or what it holds of one connection, be it one that was removed. */
    clear: procedure
      .input(z.strictObject({ connection: ConnectionId.optional() }))
      .output(z.strictObject({ bytes: z.int().describe('how many went') })),
  },
  settings: {
    get: procedure.input(nothing).output(Settings),
    set: procedure.input(z.strictObject({ key: z.string(), value: z.string() })).output(Settings),
  },
  events: procedure.input(nothing).output(eventIterator(BridgeEvent)),
}
export type Control = typeof control
