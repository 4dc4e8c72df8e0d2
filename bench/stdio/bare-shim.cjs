// The measure for the shim: the least that a process between a client app and a socket can be.
const socket = require('node:net').connect(process.argv[2])
process.stdin.pipe(socket)
socket.pipe(process.stdout)
