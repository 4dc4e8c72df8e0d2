import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { openActivity, type ActivityLog } from '../../../bridge/activity/activity.ts'
import type { CallFacts, CallOutcome } from '../../../bridge/activity/recorder.ts'
import type { Clock } from '../../../bridge/ports.ts'
import { systemClock } from '../../../bridge/system-clock.ts'
import { openVault, type OpenVault } from '../../../bridge/vault/vault.ts'
import { ActivityRecord, type ActivityCall } from '../../../shared/activity.ts'
import type { Failure } from '../../../shared/errors.ts'
import { Settings } from '../../../shared/settings.ts'
import { recordLog, type LogLine } from '../gateway/support.ts'
import { fileKeyStore } from '../vault/support/surroundings.ts'

/** A record of calls in a home of its own, with a clock that the test sets. */
export interface Scene {
  readonly activity: ActivityLog
  readonly vault: OpenVault
  readonly home: string
  readonly folder: string
  readonly clock: { now: number }
  readonly notices: Failure[]
  readonly logged: LogLine[]
  /** Notes a whole call. */
  readonly call: (facts?: Partial<CallFacts>, end?: Partial<CallOutcome>) => void
  /** What the files hold, line by line, the oldest file first. */
  readonly lines: () => Promise<string[]>
  /** Ends it and opens another one in the same home. */
  again(): Promise<Scene>
}

export const noon = Date.UTC(2026, 10, 21, 12)

export const newFolder = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'bk-activity-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
  return folder
}

export async function setScene(
  options: { settings?: Partial<Settings>; home?: string; now?: number } = {},
): Promise<Scene> {
  const home = options.home ?? (await newFolder())
  const folder = join(home, 'activity')
  const time = { now: options.now ?? noon }
  const clock: Clock = { now: () => time.now, after: (ms, run) => systemClock.after(ms, run) }
  const log = recordLog()
  const notices: Failure[] = []
  const keys = await newFolder()
  const vault = await openVault({ file: join(keys, 'vault'), keyStore: fileKeyStore(keys), log })
  return around(vault)

  function around(opened: OpenVault): Scene {
    const settings = Settings.parse({ ...options.settings })
    const notice = (failure: Failure): void => void notices.push(failure)
    const activity = openActivity({ home, vault: opened, clock, log, settings: () => settings, notice })
    onTestFinished(() => activity.close())
    return {
      activity,
      vault: opened,
      home,
      folder,
      clock: time,
      notices,
      logged: log.lines,
      call(facts, end) {
        activity.begin({ ...someFacts, ...facts }).end({ outcome: 'answered', bytes: 20, ...end })
      },
      lines: () => linesIn(folder),
      async again() {
        await activity.close()
        await opened.close()
        return around(await openVault({ file: join(keys, 'vault'), keyStore: fileKeyStore(keys), log }))
      },
    }
  }
}

export const someFacts: CallFacts = {
  client: 'cursor',
  connection: 'linear',
  method: 'tools/call',
  name: 'list_issues',
  face: 'http',
  requestBytes: 10,
}

async function linesIn(folder: string): Promise<string[]> {
  const names = (await readdir(folder).catch(() => [])).sort(
    (one, other) => one.length - other.length || (one < other ? -1 : 1),
  )
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')))
  return texts.flatMap((text) => text.split('\n').filter(Boolean))
}

/** The calls among records, or among lines; fails on a line that is not of the contract. */
export function callsOf(records: readonly (ActivityRecord | string)[]): ActivityCall[] {
  return records
    .map((record) => ActivityRecord.parse(typeof record === 'string' ? JSON.parse(record) : record))
    .filter((record) => record.record === 'call')
}
