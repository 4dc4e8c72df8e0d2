import { ConnectionId } from '../../../shared/connection.ts'
import type { ClientApp } from '../../../bridge/clients/app.ts'
import type { Plan } from '../../../bridge/clients/plan.ts'
import type { Situation, Wanted } from '../../../bridge/clients/planning.ts'
import { expect } from 'vitest'
import { machineWith, own, targetFor } from './fixtures.ts'
import { realFiles } from './real-files.ts'

export const linear = ConnectionId.parse('linear-work')
export const sentry = ConnectionId.parse('sentry')

/** A Linux machine on which an app has these files. */
export function situation(files: Readonly<Record<string, string>>, more: Partial<Situation> = {}): Situation {
  return {
    machine: machineWith('linux', Object.keys(files)),
    own,
    files: new Map(Object.entries(files)),
    ...more,
  }
}

export function pathOf(app: ClientApp): string {
  return app.files(machineWith('linux'))[0]?.path ?? ''
}

export function real(app: ClientApp): Situation {
  return situation({ [pathOf(app)]: realFiles[app.id] })
}

export function wanted(app: ClientApp, connection?: ConnectionId): Wanted {
  return { connection, target: targetFor(app.speaks, connection) }
}

export function afterOf(plan: Plan): string {
  return plan.changes[0]?.after?.reveal() ?? ''
}

export const code = (code: string): unknown => expect.objectContaining({ code })
