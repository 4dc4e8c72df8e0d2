/** What a request's target names: whose key, and which connection; all of them where none is named. */
export interface EndpointAddress {
  readonly key: string
  readonly connection?: string
}

// The two name parts have alphabets without a slash, a dot or a percent sign, so that no other spelling of a path reaches an endpoint.
const shape = /^\/([A-Za-z0-9_-]{1,128})(?:\/([a-z0-9-]{1,40}))?\/mcp$/

/** Where a client app finds a connection, `/<client key>/<connection>/mcp`, or all that it may use, `/<client key>/mcp`. */
export function endpointPath({ key, connection }: EndpointAddress): string {
  return connection === undefined ? `/${key}/mcp` : `/${key}/${connection}/mcp`
}

/**
 * Reads a request target back; undefined for every target that is not exactly of that form, among them absolute-form targets, queries,
 * encoded characters and all well-known places.
 */
export function parseTarget(target: string): EndpointAddress | undefined {
  const [, key, connection] = shape.exec(target) ?? []
  if (key === undefined) return undefined
  return connection === undefined ? { key } : { key, connection }
}
