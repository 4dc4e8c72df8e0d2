import { createSecretKey } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { ConnectionId } from '../../../shared/connection.ts'
import type { ClientApp } from '../../../bridge/clients/app.ts'
import { openBackups } from '../../../bridge/clients/backups.ts'
import { sealerFrom } from '../../../bridge/vault/sealer.ts'
import { type ClientChanges, clientChanges, type RunProgram } from '../../../bridge/clients/changes.ts'
import type { Machine } from '../../../bridge/clients/machine.ts'
import type { Plan } from '../../../bridge/clients/plan.ts'
import { planAdd, type Situation } from '../../../bridge/clients/planning.ts'
import { readFilesOf, thisMachine } from '../../../bridge/clients/survey.ts'
import { own, targetFor } from './fixtures.ts'

export const onUnix = process.platform !== 'win32'
export const tracker = ConnectionId.parse('tracker')

/** A home folder of its own, with the client apps that a test puts there. */
export interface Disk {
  readonly home: string
  readonly machine: Machine
  /** The environment in which the apps and their programs are looked up; empty at first. */
  readonly env: Record<string, string>
  fileOf(app: ClientApp): string
  situation(app: ClientApp): Promise<Situation>
  /** The plan to add a connection to an app. */
  add(app: ClientApp, connection?: ConnectionId): Promise<Plan>
  changes(run?: RunProgram): ClientChanges
  remove(): Promise<void>
}

/** Makes a home folder. */
export async function openDisk(): Promise<Disk> {
  const env: Record<string, string> = {}
  const home = await mkdtemp(join(tmpdir(), 'bridgekeeper-clients-'))
  const machine = { ...thisMachine(), home, env }
  const situation = async (app: ClientApp): Promise<Situation> => ({
    machine,
    own,
    files: await readFilesOf(app, machine),
  })
  return {
    home,
    machine,
    env,
    situation,
    fileOf: (app) => app.files(machine)[0]?.path ?? '',
    async add(app, connection = tracker) {
      return planAdd(app, [{ connection, target: targetFor(app.speaks, connection) }], await situation(app))
    },
    changes(run) {
      const backups = openBackups({
        folder: join(home, 'bridge', 'backups'),
        sealer: async () => sealerFrom(createSecretKey(new Uint8Array(32))),
        clock: { now: () => Date.now(), after: () => () => undefined },
      })
      return clientChanges({ backups, ...(run ? { run } : {}) })
    },
    remove: () => rm(home, { recursive: true, force: true }),
  }
}

/** Writes a file and the folders above it. */
export async function put(path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, content)
}

export const text = (path: string): Promise<string> => readFile(path, 'utf8')
