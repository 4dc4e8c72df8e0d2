import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { openSockets } from '../../../bridge/gateway/sockets.ts'

/**
 * Asks a server twice on connections that have less time to become ready than the server takes to answer, and reports. It is a process of its
 * own since Node reads whom to trust at its start.
 */
const url = new URL(process.argv[2] ?? '')
const sockets = openSockets({ connectMs: 400, idleMs: 60_000, now: Date.now })
const answers: { status: number | undefined; reused: boolean }[] = []
for (let i = 0; i < 2; i++) {
  const request = sockets.target(url).request('GET', ['Host', url.host]).end()
  const [answer] = (await once(request, 'response')) as [IncomingMessage]
  answers.push({ status: answer.statusCode, reused: request.reusedSocket })
  answer.resume()
  await once(answer, 'close')
}
sockets.close()
process.send?.(answers)
process.disconnect()
