/** Words that both directions of the translation need. */

export const infoKey = 'io.modelcontextprotocol/clientInfo'
export const capabilitiesKey = 'io.modelcontextprotocol/clientCapabilities'
export const levelKey = 'io.modelcontextprotocol/logLevel'
export const subscriptionKey = 'io.modelcontextprotocol/subscriptionId'
export const serverInfoKey = 'io.modelcontextprotocol/serverInfo'

/** Revisions of the older era, the newest first. */
export const olderVersions = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'] as const

/** From the least to the most severe. */
export const levels = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency']

/** How severe a log level is; undefined for what is none. */
export function severityOf(level: unknown): number | undefined {
  const severity = levels.indexOf(level as string)
  return severity < 0 ? undefined : severity
}

/** What a server may ask of its client. */
export const inputMethods = new Set<unknown>(['elicitation/create', 'roots/list', 'sampling/createMessage'])

/**
 * The requests during which a server of the current era may ask for input.
 * @see [MCP 2026-07-28, Supported Requests](https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/mrtr#supported-requests)
 */
export const askingMethods = new Set<unknown>(['prompts/get', 'resources/read', 'tools/call'])

/**
 * What the current revision has no more of a session's requests. A server of the older era would still answer them, and some change what
 * all who share its session get.
 * @see [MCP 2026-07-28, Key Changes](https://modelcontextprotocol.io/specification/2026-07-28/changelog)
 */
export const removedMethods = new Set<unknown>([
  'logging/setLevel',
  'ping',
  'resources/subscribe',
  'resources/unsubscribe',
])

/** How often one call may be answered with a wish for input. */
export const mostRounds = 32

/** How many messages of one client may wait until it is known how its server is spoken to. */
export const mostWaiting = 4_096

/** JSON-RPC codes of ours. */
export const methodNotFound = -32_601
export const invalidParams = -32_602

/** By what a client is told that a list has changed: the member of the filter of `subscriptions/listen`, and the capability. */
export const listChanges = [
  { method: 'notifications/tools/list_changed', wish: 'toolsListChanged', capability: 'tools' },
  { method: 'notifications/prompts/list_changed', wish: 'promptsListChanged', capability: 'prompts' },
  { method: 'notifications/resources/list_changed', wish: 'resourcesListChanged', capability: 'resources' },
] as const
