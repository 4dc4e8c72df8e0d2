import type { ClientImport } from '../../../shared/client-app.ts'
import type { ClientWish } from '../../../shared/client-change.ts'
import type { Connection } from '../../../shared/connection.ts'
import { BridgeError, consequences, toFailure } from '../../../shared/errors.ts'
import type { ControlClient } from '../../control/client.ts'
import { parseApp, placeOf } from '../client-place.ts'
import { importLines, planLines } from '../client-text.ts'
import { failureLines } from '../describe.ts'
import type { Face } from '../face.ts'
import { readSecret } from '../read-secret.ts'
import { text } from '../text.ts'
import { isWanted } from './clients.ts'
import { signIn } from './connect.ts'

/** The options of `clients import` as typed. */
export interface ImportOptions {
  readonly browser: boolean
  readonly yes?: true
}

/**
 * Shows which servers of client apps could become connections and, one after the other, makes them, signs in, points the app at
 * the bridge and deletes what `mcp-remote` has stored. An app is changed only after its new connection has answered.
 */
export async function importFromClients(
  face: Face,
  typedApp: string | undefined,
  options: ImportOptions,
): Promise<number> {
  const { terminal } = face
  const app = typedApp === undefined ? undefined : parseApp(typedApp)
  const control = await face.control()
  const found = await control.clients.importable({ ...(app ? { app } : {}), place: placeOf(face) })
  const usable = found.servers.filter(({ failure }) => !failure)
  const canAsk = !terminal.json && face.stdin.isTTY === true
  if (!options.yes && !canAsk) terminal.answer(found, () => [])
  for (const { path, failure } of found.unreadable) {
    terminal.line(text`${path}: ${failureLines(failure)[0]}`)
  }
  if (found.servers.length === 0) terminal.line(text`No client app has a server that could be taken over.`)

  let failures = 0
  for (const server of found.servers) {
    for (const line of importLines(server, terminal.paint)) terminal.line(line)
    if (server.failure || (!options.yes && !canAsk)) continue
    if (!(await isWanted(face, options, text`Take ${server.name} over?`))) continue
    if (!(await takeOver(face, control, server, options))) failures += 1
  }
  await offerCleanUp(face, control, found.leftOver, canAsk && !options.yes ? options : undefined)
  if (!options.yes && !canAsk && usable.length > 0) {
    terminal.note(text`Nothing was changed. Add --yes to take over all that can be.`)
    return consequences.user.exit
  }
  return failures > 0 ? consequences.user.exit : 0
}

/** One server, all the way. What fails leaves the app as it is, and is said. */
async function takeOver(
  face: Face,
  control: ControlClient,
  server: ClientImport,
  options: ImportOptions,
): Promise<boolean> {
  const { app, path, name, tokenFiles } = server
  const { terminal } = face
  try {
    const { connection } = await control.clients.import({
      app,
      path,
      name,
      values: await valuesOf(face, server),
      place: placeOf(face),
    })
    await prove(face, control, connection, options)
    const wish: ClientWish = { does: 'take-over', app, path, name, connection: connection.id }
    if (!(await carryOut(face, control, wish, options))) return true
    terminal.answer({ event: 'taken-over', app, path, name, connection: connection.id }, () => [
      text`${name} of ${app} now leads to the connection ${connection.id}.`,
    ])
    if (tokenFiles.length === 0) return true
    if (await carryOut(face, control, { does: 'clean-up', files: tokenFiles }, options)) {
      terminal.answer({ event: 'cleaned-up', files: tokenFiles }, () => [text`The files are deleted.`])
    }
    return true
  } catch (thrown) {
    const failure = toFailure(thrown)
    terminal.answer({ event: 'not-taken-over', app, path, name, failure }, () => [
      text`${name} of ${app} stays as it is.`,
      ...failureLines(failure),
    ])
    return false
  }
}

/** Shows what `mcp-remote` left behind. It is deleted only when a person says so: nothing has shown that nobody needs it. */
async function offerCleanUp(
  face: Face,
  control: ControlClient,
  files: readonly string[],
  options: ImportOptions | undefined,
): Promise<void> {
  const { terminal } = face
  for (const file of files) {
    terminal.line(text`Left over from mcp-remote, with no entry that uses it: ${file}`)
  }
  if (files.length === 0 || !options) return
  if (await carryOut(face, control, { does: 'clean-up', files: [...files] }, options)) {
    terminal.answer({ event: 'cleaned-up', files }, () => [text`The files are deleted.`])
  }
}

async function valuesOf(
  { stdin, terminal }: Face,
  { needs }: ClientImport,
): Promise<{ name: string; value: string }[]> {
  const values = []
  for (const name of needs) {
    if (terminal.json || stdin.isTTY !== true) throw new BridgeError('clients.value_missing', name)
    const ask = (): void => terminal.note(text`The value of ${name}, then Enter (it is not shown):`)
    values.push({ name, value: await readSecret(stdin, ask) })
  }
  return values
}

/** Signs in where that is needed, and then has the server answer. A server that has no tools has answered as well. */
async function prove(
  face: Face,
  control: ControlClient,
  { id, status }: Connection,
  { browser }: ImportOptions,
): Promise<void> {
  if (status !== 'connected') await signIn(face, control, { id, scopes: undefined }, browser)
  try {
    await control.connections.tools({ id })
  } catch (thrown) {
    if (!(thrown instanceof BridgeError) || thrown.code !== 'server.refused_call') throw thrown
  }
}

/** Shows what a wish would do, asks, and does it. Resolves with whether it was done. */
async function carryOut(
  face: Face,
  control: ControlClient,
  wish: ClientWish,
  options: ImportOptions,
): Promise<boolean> {
  const { terminal } = face
  const place = placeOf(face)
  const { digest, ...plan } = await control.clients.plan({ wish, place })
  for (const line of planLines(plan, terminal.paint)) terminal.line(line)
  if (!(await isWanted(face, options, text`Make this change?`))) return false
  await control.clients.apply({ wish, place, digest })
  return true
}
