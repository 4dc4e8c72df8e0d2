import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Serves on any free loopback port and resolves with it. */
export async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  return (server.address() as AddressInfo).port
}
