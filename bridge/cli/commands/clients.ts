import type { ClientAppId } from '../../../shared/client-app.ts'
import type { ClientPlace, ClientWish } from '../../../shared/client-change.ts'
import { BridgeError, consequences } from '../../../shared/errors.ts'
import type { ControlClient } from '../../control/client.ts'
import { agrees } from '../ask.ts'
import { parseApp, placeOf } from '../client-place.ts'
import { appLines, planLines } from '../client-text.ts'
import { failureLines } from '../describe.ts'
import type { Face } from '../face.ts'
import { parseId } from '../parse.ts'
import { text, type Text } from '../text.ts'

/** The options of the commands that change client apps, as typed. */
export interface ChangeOptions {
  readonly all?: true
  readonly link?: true
  readonly project?: string
  readonly yes?: true
}

/** The client apps of this machine and what each has. */
export async function listClients(face: Face, { project }: ChangeOptions): Promise<void> {
  const control = await face.control()
  const apps = await control.clients.list(placeOf(face, project))
  face.terminal.answer(apps, () => appLines(apps, face.terminal.paint))
}

/** Points an app at connections: at all of them with one entry, or at some with one each. */
export async function addToClient(
  face: Face,
  typedApp: string,
  typedIds: readonly string[],
  options: ChangeOptions,
): Promise<number | void> {
  const app = parseApp(typedApp)
  if (options.all && typedIds.length > 0)
    throw new BridgeError('cli.usage', 'name connections, or give --all')
  const connections = typedIds.length > 0 ? typedIds.map(parseId) : 'all'
  if (options.link) return showLinks(face, app, connections)
  return change(face, { does: 'add', app, connections }, options, (name) => [text`${name} is set up.`])
}

/** Takes our entries out of an app again, all of them unless some are named. */
export async function removeFromClient(
  face: Face,
  typedApp: string,
  typedIds: readonly string[],
  options: ChangeOptions,
): Promise<number> {
  const app = parseApp(typedApp)
  const connections = typedIds.length > 0 ? typedIds.map(parseId) : 'all'
  return change(face, { does: 'remove', app, connections }, options, (name) => [text`Removed from ${name}.`])
}

/** Takes the latest change back. */
export async function undoClients(face: Face, options: ChangeOptions): Promise<number> {
  return change(face, { does: 'undo' }, options, () => [text`The change is undone.`])
}

/** Gives an app a new key. Its old address is refused at once. */
export async function rotateClientKey(face: Face, typedApp: string, options: ChangeOptions): Promise<number> {
  const app = parseApp(typedApp)
  const control = await face.control()
  const rotation = await control.clients.rotateKey({ app, place: placeOf(face, options.project) })
  const { changes, commands, notes, failure } = rotation
  face.terminal.answer(rotation, () => [
    text`${app} has a new key; the old one is refused from now on.`,
    ...changes.map(({ path }) => text`Brought up to date: ${path}`),
    ...(commands.length > 0 ? [text`Brought up to date by its own command.`] : []),
    ...notes.map((note) => text`${note}`),
    ...(failure ? [...failureLines(failure), text`Then: bridgekeeper clients add ${app}`] : []),
  ])
  return failure ? consequences.user.exit : 0
}

/**
 * Shows what a wish would do, asks, and does it. Without a terminal to ask at, or with JSON, it is done with `--yes` alone;
 * otherwise it ends with the exit code for what a person can mend.
 */
async function change(
  face: Face,
  wish: ClientWish,
  options: ChangeOptions,
  done: (app: string) => Text[],
): Promise<number> {
  const { terminal } = face
  const control = await face.control()
  const place = placeOf(face, options.project)
  const { digest, ...plan } = await control.clients.plan({ wish, place })
  if (plan.changes.length === 0 && plan.commands.length === 0) {
    terminal.answer({ ...plan, applied: false }, () => [
      ...planLines(plan, terminal.paint),
      text`There is nothing to change.`,
    ])
    return 0
  }
  for (const line of planLines(plan, terminal.paint)) terminal.line(line)
  if (!(await isWanted(face, options, text`Make this change?`))) {
    if (terminal.json) terminal.answer({ ...plan, applied: false }, () => [])
    return consequences.user.exit
  }
  const { undo } = await control.clients.apply({ wish, place, digest })
  const app = plan.app && (await appOf(control, plan.app, place))
  terminal.answer({ ...plan, applied: true, undo }, () => [
    ...done(app?.name ?? ''),
    ...(app?.restart === undefined ? [] : [text`${app.restart}`]),
    ...(undo === null ? [] : [text`To take it back: bridgekeeper clients undo`]),
  ])
  return 0
}

/** Whether a change is to be made: said beforehand, or asked for now. */
export async function isWanted(face: Face, { yes }: ChangeOptions, question: Text): Promise<boolean> {
  if (yes) return true
  const agreed = await agrees(face, question)
  if (agreed === undefined) face.terminal.note(text`Nothing was changed. Add --yes to do this.`)
  else if (!agreed) face.terminal.note(text`Nothing was changed.`)
  return agreed ?? false
}

async function appOf(
  control: ControlClient,
  id: ClientAppId,
  place: ClientPlace,
): Promise<{ name: string; restart?: string | undefined } | undefined> {
  return (await control.clients.list(place)).find((app) => app.id === id)
}

async function showLinks(
  face: Face,
  app: ClientAppId,
  connections: 'all' | ReturnType<typeof parseId>[],
): Promise<void> {
  const control = await face.control()
  const links: { connection?: string; url: string }[] = []
  for (const connection of connections === 'all' ? [undefined] : connections) {
    const one = connection === undefined ? {} : { connection }
    links.push({ ...one, ...(await control.clients.link({ app, ...one })) })
  }
  face.terminal.answer(links, () => [
    ...links.map(({ url }) => text`${url}`),
    text`The client key of the app is in it: keep it to yourself.`,
  ])
}
