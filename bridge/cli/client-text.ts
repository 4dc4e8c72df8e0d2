import type { ClientAppState, ClientEntry, ClientImport, ClientPlan } from '../../shared/client-app.ts'
import { failureLines } from './describe.ts'
import { alignColumns, joinText, text, type Paint, type Text } from './text.ts'

/** What a plan would do, to the line. What is secret in it is masked already. */
export function planLines({ changes, commands, notes }: ClientPlan, paint: Paint): Text[] {
  return [
    ...changes.flatMap(({ path, does, difference }) => [
      paint('bold', text`${does} ${path}`),
      ...(difference === ''
        ? []
        : difference
            .trimEnd()
            .split('\n')
            .map((line) => differenceLine(line, paint))),
    ]),
    ...commands.map((words) =>
      joinText([paint('bold', text`run`), ...words.map((word) => text`${word}`)], ' '),
    ),
    ...notes.map((note) => paint('yellow', text`${note}`)),
  ]
}

/** The client apps that are there or hold an entry of ours, and what is to be done about them. */
export function appLines(apps: readonly ClientAppState[], paint: Paint): Text[] {
  const shown = apps.filter(
    ({ installed, files }) => installed || files.some(({ entries }) => entries.some(isOurs)),
  )
  const others = apps.filter((app) => !shown.includes(app)).map(({ id }) => id)
  return [
    ...(shown.length === 0 ? [text`No client app was found on this machine.`] : []),
    ...alignColumns(
      shown.map((app) => {
        const entries = app.files.flatMap((file) => file.entries)
        const ours = entries
          .filter(isOurs)
          .map(({ name, connection }) => (connection === undefined ? `all (${name})` : name))
        return [
          text`${app.id}`,
          ours.length > 0 ? paint('green', text`${ours.join(', ')}`) : paint('dim', text`not added`),
          text`${otherServers(entries.filter((entry) => !isOurs(entry)))}`,
        ]
      }),
    ),
    ...shown.flatMap(troubleLines),
    ...(others.length > 0 ? [paint('dim', text`Not found here: ${others.join(', ')}`)] : []),
  ]
}

/** What taking over a server of a client app would mean. */
export function importLines(server: ClientImport, paint: Paint): Text[] {
  const { app, path, name, address, connection, exists, auth, needs, denyTools, notes, failure } = server
  const how = { 'sign-in': 'you sign in once', bearer: 'with its bearer token', headers: 'with its headers' }[
    auth
  ]
  const line = (words: string): Text => text`  ${words}`
  return [
    paint('bold', text`${name} of ${app} (${path})`),
    ...(address === undefined ? [] : [line(`server      ${address}`)]),
    ...(failure
      ? failureLines(failure).map((one) => text`  ${one}`)
      : [
          line(
            `becomes     the connection ${connection ?? ''}${exists ? ', which is there already' : `, ${how}`}`,
          ),
        ]),
    ...(needs.length > 0 ? [line(`asks for    the value of ${needs.join(', ')}`)] : []),
    ...(server.plainSecrets.length > 0 ? [line(`plain text  ${server.plainSecrets.join(', ')}`)] : []),
    ...server.tokenFiles.map((file) => line(`plain text  ${file}`)),
    ...(denyTools.length > 0
      ? [line(`denied      ${denyTools.join(', ')}, as it hides these tools now`)]
      : []),
    ...notes.map(line),
  ]
}

function differenceLine(line: string, paint: Paint): Text {
  const shown = text`  ${line.replaceAll('\t', '    ')}`
  return line.startsWith('+') ? paint('green', shown) : line.startsWith('-') ? paint('red', shown) : shown
}

function isOurs({ kind }: ClientEntry): boolean {
  return kind === 'bridge'
}

function otherServers(entries: readonly ClientEntry[]): string {
  const secrets = entries.filter(({ plainSecrets }) => plainSecrets > 0).length
  const count = `${entries.length} other server${entries.length === 1 ? '' : 's'}`
  return entries.length === 0 ? '' : secrets > 0 ? `${count}, ${secrets} with secrets in plain text` : count
}

function troubleLines({ id, files }: ClientAppState): Text[] {
  return files.flatMap(({ path, entries, failure }) => [
    ...(failure ? [text`${path}: ${joinText(failureLines(failure), ' ')}`] : []),
    ...entries.flatMap(({ name, connection, trouble }) => {
      if (trouble === undefined) return []
      const named = connection === undefined ? '' : ` ${connection}`
      return trouble === 'outdated'
        ? [text`${name} of ${id} has an address of before. Next: bridgekeeper clients add ${id}${named}`]
        : [text`${name} of ${id} has no connection. Next: bridgekeeper clients remove ${id}${named}`]
    }),
  ])
}
