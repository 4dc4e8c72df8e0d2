import type { ListCounts } from '../../shared/connection.ts'
import { Tool } from '../../shared/control.ts'
import { listNames, type Knowledge } from './knowledge.ts'
import { record } from './lessons.ts'

/** How many of each a server listed; undefined where no list of it is known. */
export function countsIn(known: Knowledge | undefined): ListCounts | undefined {
  const seen = listNames.flatMap((name) => {
    const list = known?.lists[name]
    return list ? [{ name, ...list }] : []
  })
  if (seen.length === 0) return undefined
  return {
    asOf: Math.min(...seen.map(({ asOf }) => asOf)),
    ...Object.fromEntries(seen.map(({ name, count }) => [name, count])),
  }
}

/** The tools as they were last seen, and when that was in milliseconds since the epoch; undefined where they are not known. */
export function toolsIn(known: Knowledge | undefined): { tools: Tool[]; asOf: number } | undefined {
  const list = known?.lists.tools
  if (!list) return undefined
  const tools = (JSON.parse(list.items.toString()) as unknown[]).flatMap((item) => {
    const { name, title, description, inputSchema } = record(item)
    const { data } = Tool.safeParse({
      name,
      inputSchema,
      ...(typeof title === 'string' ? { title } : {}),
      ...(typeof description === 'string' ? { description } : {}),
    })
    return data ? [data] : []
  })
  return { tools, asOf: list.asOf }
}
