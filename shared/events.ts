import { z } from 'zod'
import { Approval, ApprovalOutcome } from './access.ts'
import { Connection, ConnectionId, StepUp } from './connection.ts'
import { Failure } from './errors.ts'

/** What the bridge tells every face as it happens. */
export const BridgeEvent = z.discriminatedUnion('event', [
  z.strictObject({ event: z.literal('connection-added'), connection: Connection }),
  z.strictObject({ event: z.literal('connection-changed'), connection: Connection }),
  z.strictObject({ event: z.literal('connection-removed'), id: ConnectionId }),
  z.strictObject({ event: z.literal('sign-in-needed'), id: ConnectionId, failure: Failure }),
  z.strictObject({ event: z.literal('step-up-asked'), id: ConnectionId, stepUp: StepUp }),
  z.strictObject({ event: z.literal('approval-asked'), approval: Approval }),
  z.strictObject({ event: z.literal('approval-settled'), id: Approval.shape.id, outcome: ApprovalOutcome }),
  z.strictObject({ event: z.literal('notice'), failure: Failure }),
])
export type BridgeEvent = z.infer<typeof BridgeEvent>

/** How one sign-in goes on, for the face that started it. */
export const SignInEvent = z.discriminatedUnion('event', [
  z.strictObject({ event: z.literal('authorize'), url: z.string(), opened: z.boolean() }),
  z.strictObject({ event: z.literal('connected'), connection: Connection }),
  z.strictObject({ event: z.literal('failed'), code: Failure.shape.code, detail: Failure.shape.detail }),
])
export type SignInEvent = z.infer<typeof SignInEvent>

/** The first line that a starting bridge prints: it is ready, another one runs already, or why it could not start. */
export const StartEvent = z.discriminatedUnion('event', [
  z.strictObject({
    event: z.literal('ready'),
    url: z.string(),
    keyStore: z.enum(['keychain', 'passphrase', 'key-file']),
  }),
  z.strictObject({
    event: z.literal('already-running'),
    url: z.string(),
    keyStore: z.enum(['keychain', 'passphrase', 'key-file']),
    pid: z.int(),
  }),
  z.strictObject({ event: z.literal('failed'), code: Failure.shape.code, detail: Failure.shape.detail }),
])
export type StartEvent = z.infer<typeof StartEvent>
