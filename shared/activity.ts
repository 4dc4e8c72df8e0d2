import { z } from 'zod'
import { ConnectionId } from './connection.ts'
import { ErrorCode } from './errors.ts'

/** One call as it is kept. Arguments and results are in it only where a person switched that on for the connection. */
const ActivityCall = z.strictObject({
  at: z.number().describe('when the call ended, in milliseconds since the epoch'),
  record: z.literal('call'),
  client: z.string(),
  connection: z.string(),
  face: z.enum(['http', 'stdio']),
  method: z.string().optional(),
  name: z.string().optional().describe('the tool, the prompt, or the URI of a resource without its query'),
  outcome: z.enum(['answered', 'error', 'failed', 'refused', 'cancelled']),
  code: ErrorCode.optional().describe('the failure, where the answer was ours'),
  status: z.int().optional().describe('the HTTP status of the server'),
  durationMs: z.number(),
  sent: z.int().describe('bytes of the request'),
  received: z.int().describe('bytes of the answer'),
  request: z.string().optional().describe('what was asked: redacted, shortened, JSON but for its end'),
  answer: z.string().optional().describe('what came back, in the same way'),
})
export type ActivityCall = z.infer<typeof ActivityCall>

/**
 * Something that is missing. `size`: old parts were deleted, up to and with a day; `disk`: calls that could not be written;
 * `reader`: calls that a face was too slow for, and which the files have.
 */
const ActivityGap = z.strictObject({
  at: z.number(),
  record: z.literal('gap'),
  reason: z.enum(['size', 'disk', 'reader']),
  calls: z.int().optional(),
  bytes: z.int().optional(),
  day: z.iso.date().optional(),
})
export type ActivityGap = z.infer<typeof ActivityGap>

/** One line of the record. */
export const ActivityRecord = z.discriminatedUnion('record', [ActivityCall, ActivityGap])
export type ActivityRecord = z.infer<typeof ActivityRecord>

/** Which calls. Gaps are shown with all of them. */
export const ActivityFilter = z.strictObject({
  client: z.string().min(1).max(200).optional(),
  connection: ConnectionId.optional(),
})
export type ActivityFilter = z.infer<typeof ActivityFilter>

/** A page of the record, the newest first. Times are milliseconds since the epoch; `before` is the `next` of the page before. */
export const ActivityQuery = ActivityFilter.extend({
  since: z.number().optional(),
  until: z.number().optional(),
  limit: z.int().min(1).max(1000),
  before: z
    .string()
    .max(60)
    .regex(/^\d{4}-\d\d-\d\d\.\d+:\d+$/)
    .optional(),
})
export type ActivityQuery = z.infer<typeof ActivityQuery>

/** `next` is null when there is no more. */
export const ActivityPage = z.strictObject({ records: z.array(ActivityRecord), next: z.string().nullable() })
export type ActivityPage = z.infer<typeof ActivityPage>
