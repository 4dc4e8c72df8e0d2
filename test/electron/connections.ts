import { Connection } from '../../shared/connection.ts'

/** A connection that is well, but for what is said. */
export function connection(id: string, but: Partial<Connection> = {}): Connection {
  return Connection.parse({
    id,
    url: `https://${id}.example/mcp`,
    auth: 'oauth',
    status: 'connected',
    scopes: { asked: ['read'], granted: ['read'] },
    renews: true,
    createdAt: 1,
    ...but,
  })
}

/** A step-up that a client's call asked for. */
export const stepUp: NonNullable<Connection['stepUp']> = {
  scopes: ['read', 'write:issues'],
  by: { client: 'Cursor', method: 'tools/call', name: 'create_issue' },
  since: 1,
}
