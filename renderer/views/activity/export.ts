import type { ActivityFilter } from '../../../shared/activity.ts'
import type { BridgeClient } from '../../bridge/client.ts'

/** Reads the whole record under a filter and saves it as a file of JSON lines, the newest first. */
export async function saveActivity(bridge: BridgeClient, filter: ActivityFilter): Promise<void> {
  const parts: string[] = []
  let before: string | undefined
  do {
    const page = await bridge.activity.list({
      ...filter,
      limit: 1000,
      ...(before === undefined ? {} : { before }),
    })
    parts.push(page.records.map((record) => `${JSON.stringify(record)}\n`).join(''))
    before = page.next ?? undefined
  } while (before !== undefined)
  const url = URL.createObjectURL(new Blob(parts, { type: 'application/jsonl' }))
  const link = document.createElement('a')
  link.href = url
  link.download = `bridgekeeper-activity-${new Date().toISOString().slice(0, 10)}.jsonl`
  link.click()
  // The browser has read the address by then.
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}
