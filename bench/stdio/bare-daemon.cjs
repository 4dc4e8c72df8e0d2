// The measure for the bridge: every line becomes a POST on kept-alive connections, every body a line. It reads nothing and repairs nothing.
const { rmSync } = require('node:fs')
const { Agent, request } = require('node:http')
const { createServer } = require('node:net')

const [, , path, target, authorization] = process.argv
const { hostname, port, pathname } = new URL(target)
const agent = new Agent({ keepAlive: true, noDelay: true, maxSockets: 512 })
const lineFeed = Buffer.from('\n')

function deliver(line, socket) {
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    authorization,
    'content-length': line.length,
  }
  const sent = request({ agent, hostname, port, path: pathname, method: 'POST', headers }, (answer) => {
    if (answer.headers['content-type'] === 'text/event-stream') return followEvents(answer, socket)
    const chunks = []
    answer.on('data', (chunk) => chunks.push(chunk))
    answer.on('end', () => socket.write(Buffer.concat([...chunks, lineFeed])))
  })
  sent.end(line)
}

function followEvents(answer, socket) {
  let rest = ''
  answer.setEncoding('latin1').on('data', (text) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop()
    const data = lines.filter((line) => line.startsWith('data: ')).map((line) => `${line.slice(6)}\n`)
    socket.write(data.join(''), 'latin1')
  })
}

rmSync(path, { force: true })
createServer((socket) => {
  let rest = Buffer.alloc(0)
  socket.on('error', () => undefined)
  socket.on('data', (chunk) => {
    const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk
    let start = 0
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
      deliver(bytes.subarray(start, end), socket)
      start = end + 1
    }
    rest = bytes.subarray(start)
  })
}).listen(path, () => process.send('ready'))
