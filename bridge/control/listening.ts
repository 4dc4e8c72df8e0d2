import { connect } from 'node:net'

/**
 * Whether a process listens on a unix socket or named pipe. A stopped one counts, and so does one whose queue is full.
 * @throws a system error where it cannot be known, such as for a socket of another user
 */
export async function isListening(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (BUSY.has(error.code ?? '')) resolve(true)
      else if (NOBODY.has(error.code ?? '')) resolve(false)
      else reject(error)
    })
  })
}

/** How Linux and Windows say that they cannot take one more just now. */
const BUSY = new Set(['EAGAIN', 'EBUSY'])

/** How a system says that nobody listens, or has just ended; ENOTSOCK is macOS's word for a file that is no socket. */
const NOBODY = new Set(['ECONNREFUSED', 'ENOENT', 'ENOTDIR', 'ENOTSOCK', 'ECONNRESET'])
