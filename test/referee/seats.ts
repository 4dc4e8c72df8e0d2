import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** Where processes wait for their turn. The referee starts all its clients at once, more than a small machine can bear. */
export interface Seats {
  readonly port: number
  close(): Promise<void>
}

interface Waiting {
  readonly socket: Socket
  readonly needed: number
}

/** Opens so many seats on a free port of 127.0.0.1. They are given in the order in which they were asked for. */
export async function openSeats(count: number): Promise<Seats> {
  const queue: Waiting[] = []
  const sockets = new Set<Socket>()
  let free = count

  function admit(): void {
    for (let first = queue[0]; first && first.needed <= free; first = queue[0]) {
      const { socket, needed } = first
      queue.shift()
      if (socket.destroyed) continue
      free -= needed
      socket.once('close', () => {
        free += needed
        admit()
      })
      socket.write('go')
    }
  }

  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
    socket.once('data', (wish) => {
      queue.push({ socket, needed: wish.toString() === 'all' ? count : 1 })
      admit()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

/** Waits for a seat, or for all of them; it is held until the process ends. */
export async function takeSeat(port: number, wish: 'one' | 'all'): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  socket.write(wish)
  await once(socket, 'data')
  socket.unref()
}
