import { text as readText } from 'node:stream/consumers'
import type { Face } from '../face.ts'
import { nextCommand } from '../describe.ts'
import { parseArguments, parseId } from '../parse.ts'
import { alignColumns, oneLine, text, type Text } from '../text.ts'
import { relativeTime } from '../time.ts'

/** The local URL of a connection, or of all of them, for a client app. */
export async function endpoint(
  face: Face,
  typedId: string | undefined,
  { client }: { client: string },
): Promise<void> {
  const one = typedId === undefined ? {} : { id: parseId(typedId) }
  const control = await face.control()
  const found = await control.connections.endpoint({ ...one, client })
  face.terminal.answer(found, () => [text`${found.url}`])
}

/** The tools of a connection: as its server lists them, or as it last did where nobody is signed in. */
export async function tools(face: Face, typedId: string): Promise<void> {
  const id = parseId(typedId)
  const control = await face.control()
  const connection = await control.connections.get({ id })
  const isServed = connection.status === 'connected' || connection.status === 'retrying'
  const known = isServed ? null : await control.connections.knownTools({ id })
  const found = known ? known.tools : await control.connections.tools({ id })
  if (known) {
    const next = nextCommand(connection)
    const when = relativeTime(known.asOf, Date.now())
    face.terminal.note(text`${id} is ${connection.status}; these are its tools as last seen, ${when}.`)
    if (next) face.terminal.note(text`To use them: ${next}`)
  }
  const widest = Math.max(...found.map(({ name }) => name.length), 0)
  const room = Math.max(face.terminal.columns - widest - 2, 20)
  face.terminal.answer(found, () =>
    found.length === 0
      ? [text`This server has no tools.`]
      : alignColumns(
          found.map(({ name, title, description }) => [
            text`${name}`,
            text`${oneLine(description ?? title ?? '', room)}`,
          ]),
        ),
  )
}

/** Calls a tool through the bridge. Its own report of an error ends the command with 1. */
export async function call(face: Face, typedId: string, tool: string, typed: string): Promise<number> {
  const id = parseId(typedId)
  const given = parseArguments(typed === '-' ? await readText(face.stdin) : typed)
  const control = await face.control()
  const result = await control.connections.call({ id, tool, arguments: given })
  face.terminal.answer(result, () => resultLines(result))
  return isRecord(result) && result['isError'] === true ? 1 : 0
}

/** What a tool gave, for a person: texts as they are, other content by its kind, and else the JSON. */
function resultLines(result: unknown): Text[] {
  const content = isRecord(result) && Array.isArray(result['content']) ? (result['content'] as unknown[]) : []
  if (content.length > 0) return content.flatMap(contentLines)
  const shown = isRecord(result) && 'structuredContent' in result ? result['structuredContent'] : result
  return lines(JSON.stringify(shown ?? null, null, 2))
}

function contentLines(part: unknown): Text[] {
  if (!isRecord(part)) return lines(JSON.stringify(part))
  if (part['type'] === 'text' && typeof part['text'] === 'string') return lines(part['text'])
  if (typeof part['data'] === 'string') {
    const size = Math.floor((part['data'].length * 3) / 4)
    return [text`[${String(part['type'])} ${String(part['mimeType'])}, ${size} bytes; --json shows them]`]
  }
  return lines(JSON.stringify(part))
}

function lines(value: string): Text[] {
  return value.split(/\r?\n/).map((line) => text`${line.replaceAll('\t', '    ')}`)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
