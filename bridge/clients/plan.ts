import { createHmac, type KeyObject } from 'node:crypto'
import type { ClientAppId, ClientChange, ClientPlan } from '../../shared/client-app.ts'
import type { Secret } from '../secret.ts'
import { difference } from './difference.ts'
import { masked } from './masking.ts'

/** One file before and after. Undefined means that there is none. The whole content is wrapped: tokens may be in it. */
export interface FileChange {
  readonly path: string
  readonly before: Secret | undefined
  readonly after: Secret | undefined
  /** False for files that are deleted for the sake of the secrets in them. */
  readonly keepsBackup: boolean
}

/** A command of the client app's own that is to be run, without a shell. */
export interface CommandStep {
  readonly program: string
  readonly args: readonly string[]
  /** The arguments of the command that takes it back. */
  readonly undo: readonly string[]
  /** What the app's file holds afterwards: a server of this name, or none. */
  readonly leaves: { readonly path: string; readonly name: string; readonly present: boolean }
}

/** What is going to be done. Making a plan changes nothing. */
export interface Plan {
  readonly kind: 'add' | 'renew' | 'remove' | 'take-over' | 'clean-up' | 'undo'
  readonly app: ClientAppId | undefined
  /** Of an undoing: the id of the change that is taken back. */
  readonly undoes?: string
  readonly changes: readonly FileChange[]
  readonly commands: readonly CommandStep[]
  readonly notes: readonly string[]
  /** What must not be shown of the files. */
  readonly secrets: readonly Secret[]
}

/** Whether a plan does nothing. */
export function isEmptyPlan(plan: Plan): boolean {
  return plan.changes.length === 0 && plan.commands.length === 0
}

/**
 * What tells this plan from every other, so that what is applied is what was shown. It is keyed with a secret of this process: a
 * plain hash would let guesses at a password in a file be tried.
 */
export function digestOf({ kind, app, undoes, changes, commands }: Plan, key: KeyObject): string {
  const whole = {
    kind,
    app,
    undoes,
    changes: changes.map(({ path, before, after }) => [path, before?.reveal(), after?.reveal()]),
    commands,
  }
  return createHmac('sha256', key).update(JSON.stringify(whole)).digest('base64url')
}

/** A plan as faces show it: nothing secret is in it, and what is deleted is not shown at all. */
export function viewPlan(plan: Plan): ClientPlan {
  return {
    ...(plan.app === undefined ? {} : { app: plan.app }),
    changes: plan.changes.map(({ path, before, after }): ClientChange => {
      const does = before === undefined ? 'create' : after === undefined ? 'delete' : 'change'
      const shown =
        after === undefined ? '' : difference(before?.reveal() ?? '', after.reveal(), plan.secrets)
      return { path, does, difference: shown }
    }),
    commands: plan.commands.map(({ program, args }) => [program, ...args].map((word) => masked(word, []))),
    notes: [...plan.notes],
  }
}
