import type { Activity, CallInProgress } from './recorder.ts'

const call: CallInProgress = { wantsPayload: false, payload: () => undefined, end: () => undefined }

/** Notes nothing. */
export const silentActivity: Activity = { begin: () => call }
