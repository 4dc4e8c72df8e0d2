import { z } from 'zod'
import { ConnectionId } from './connection.ts'

/** The name of a client app, as its key or its shim has it. */
export const ClientName = z.string().min(1).max(100)

/** What becomes of a call: it goes on, it waits for a person, or it is refused and its tool is not listed. */
export const Verdict = z.enum(['allow', 'ask', 'deny'])
export type Verdict = z.infer<typeof Verdict>

/** A tool by its name, or tools by a pattern in which `*` stands for any characters. Case does not count. */
const ToolPattern = z
  .string()
  .min(1)
  .max(300)
  .regex(/^\P{C}+$/u)

/** What a client app may do with tools of one connection. */
export const AccessRule = z.strictObject({
  connection: ConnectionId,
  tool: ToolPattern.describe('`*` for all that no other rule is about'),
  verdict: Verdict,
})
export type AccessRule = z.infer<typeof AccessRule>

const ConnectionChoice = z.union([z.literal('all'), z.array(ConnectionId).max(1000)])

/** What one client app may use. An app that nothing was said about may use all tools of all connections. */
export const AppAccess = z.strictObject({
  client: ClientName,
  connections: ConnectionChoice.describe('`all` includes those that are added later'),
  rules: z.array(AccessRule).max(5000),
})
export type AppAccess = z.infer<typeof AppAccess>

/** One change of what a client app may use. The verdict `default` takes a rule out again. */
export const AccessChange = z.discriminatedUnion('sets', [
  z.strictObject({ sets: z.literal('connections'), client: ClientName, connections: ConnectionChoice }),
  z.strictObject({
    sets: z.literal('rule'),
    client: ClientName,
    connection: ConnectionId,
    tool: ToolPattern,
    verdict: z.enum([...Verdict.options, 'default']),
  }),
])
export type AccessChange = z.infer<typeof AccessChange>

/** A call that waits for a person. What it is called with is not in it. Times are milliseconds since the epoch. */
export const Approval = z.strictObject({
  id: z.string().max(20),
  client: z.string(),
  connection: ConnectionId,
  tool: z.string().describe('fit for a terminal, and cut where it is very long'),
  since: z.number(),
  expires: z.number(),
})
export type Approval = z.infer<typeof Approval>

/** The same for the person who decides. */
export const ApprovalDetails = z.strictObject({
  ...Approval.shape,
  preview: z.string().max(5000).describe('the arguments, cut short, and without what looks like a secret'),
})
export type ApprovalDetails = z.infer<typeof ApprovalDetails>

/**
 * What a person decides about a call that waits. `session`: also for this tool's later calls in the same session of the app;
 * `always`: by a rule from now on.
 */
export const ApprovalAnswer = z.discriminatedUnion('verdict', [
  z.strictObject({ verdict: z.literal('allow'), lasts: z.enum(['once', 'session', 'always']) }),
  z.strictObject({ verdict: z.literal('deny'), lasts: z.enum(['once', 'always']) }),
])
export type ApprovalAnswer = z.infer<typeof ApprovalAnswer>

/** How a call that waited went on. `left`: its app cancelled it or is gone, or the bridge ended. */
export const ApprovalOutcome = z.enum(['allowed', 'denied', 'expired', 'left'])
export type ApprovalOutcome = z.infer<typeof ApprovalOutcome>
