import { AccessChange, ClientName } from '../../../shared/access.ts'
import { ClientAppId } from '../../../shared/client-app.ts'
import { BridgeError } from '../../../shared/errors.ts'
import { accessLines } from '../access-text.ts'
import type { Face } from '../face.ts'
import { parseId } from '../parse.ts'
import { text } from '../text.ts'

/** What one client app may use, or what was said about all of them. */
export async function showAccess(face: Face, typedApp: string | undefined): Promise<void> {
  const { terminal } = face
  const client = typedApp === undefined ? undefined : parseClient(typedApp)
  const control = await face.control()
  if (client !== undefined) {
    const access = await control.access.get({ client })
    return terminal.answer(access, () => accessLines(access, terminal.paint))
  }
  const all = await control.access.list({})
  terminal.answer(all, () => [
    ...all.flatMap((access) => accessLines(access, terminal.paint)),
    text`${all.length > 0 ? 'Every other client app' : 'Every client app'} may use all tools of all connections.`,
  ])
}

/** Sets or takes out one rule. */
export async function setRule(
  face: Face,
  typedApp: string,
  connection: string,
  verdict: string,
  tool: string,
): Promise<void> {
  const rule = { sets: 'rule', client: parseClient(typedApp), connection: parseId(connection), tool, verdict }
  const { data: change } = AccessChange.safeParse(rule)
  if (!change) throw new BridgeError('access.rule_invalid')
  await makeChange(face, change)
}

/** Says which connections an app may use. */
export async function setConnections(
  face: Face,
  typedApp: string,
  typedIds: readonly string[],
  { all, none }: { all?: true; none?: true },
): Promise<void> {
  const ways = [typedIds.length > 0, all, none].filter(Boolean)
  if (ways.length !== 1) throw new BridgeError('cli.usage', 'name connections, or give --all or --none')
  const connections = all ? 'all' : typedIds.map(parseId)
  await makeChange(face, { sets: 'connections', client: parseClient(typedApp), connections })
}

async function makeChange(face: Face, change: AccessChange): Promise<void> {
  const { terminal } = face
  const access = await (await face.control()).access.set(change)
  terminal.answer(access, () => accessLines(access, terminal.paint))
  const { client } = change
  if (!ClientAppId.safeParse(client).success) {
    terminal.note(text`${client} is no app of “bridgekeeper clients”: this counts for what calls itself so.`)
  }
}

/** An app may have any name: the key in its address or its own command line says which. */
function parseClient(typed: string): string {
  const { data } = ClientName.safeParse(typed)
  if (data === undefined) throw new BridgeError('clients.unknown', typed.slice(0, 60))
  return data
}
