import { connect, type Socket } from 'node:net'
import { startBridge } from './bridge-start.ts'
import { FrameReader } from './frame-reader.ts'
import { logFileOf, meetingPoint, theseSurroundings } from './meeting-point.ts'
import { frameKinds, pipeVersion, type FrameHead, type Greeting } from './pipe-protocol.ts'

/*
 * The command that a client app spawns: a pipe between its own stdin and stdout and the bridge. It knows nothing of what goes through.
 * Everything here is loaded by every client app for every connection, so it needs no package and as little of Node as can be.
 */

/** How long a bridge may take to be there, in milliseconds. */
const startLimitMs = 20_000
/** Within this time, in milliseconds, the shims of a machine start the bridge again when it broke down. */
const spreadMs = 1_500
/** How often it is looked whether a bridge that was stopped is there again, in milliseconds. */
const lookMs = 1_000
/** How long the answers may take that are still awaited when stdin has ended, in milliseconds. */
const farewellMs = 10_000
/** How often it is looked whether the client app lives, in milliseconds. */
const parentCheckMs = 2_000
/** How often in a row the bridge may hang up without a word. */
const mostHangUps = 5
/** The exit code where waiting may help (EX_TEMPFAIL). */
const tryLater = 75

const { stdin, stdout, stderr, env, argv } = process
const surroundings = theseSurroundings(env)
const place = meetingPoint(surroundings)
const greeting = greetingFor(argv.slice(2))

let socket: Socket | undefined
let isConnected = false
/** What the last bridge asked to keep, what it said after that, and what it was told since. */
let state: Buffer = Buffer.alloc(0)
let heard: Buffer[] = []
let said: Buffer[] = []
/** Input that no bridge has been told yet. */
let unsaid: Buffer[] = []
/** The number of input bytes before the first of `said`, as the present bridge counts. */
let saidStart = 0
let lastByte = 0x0a
let hasInputEnded = false
let isPausedByBridge = false
let isStarting = false
let hangUps = 0
let waitingSince = Date.now()
let mayStartAt = 0
let nextTryMs = 10
let timer: NodeJS.Timeout | undefined

stdin.on('data', (chunk: Buffer) => {
  if (isConnected && socket) {
    said.push(chunk)
    if (!socket.write(chunk)) stdin.pause()
    return
  }
  // One chunk is enough to know that somebody waits.
  unsaid.push(chunk)
  stdin.pause()
  if (isPausedByBridge) reconnect()
})
stdin.on('end', () => {
  hasInputEnded = true
  if (!isConnected || !socket) return leave(0)
  socket.end()
  setTimeout(() => leave(0), farewellMs).unref()
})
stdin.on('error', () => leave(0))
stdout.on('error', () => leave(0))
stdout.on('drain', () => socket?.resume())
watchParent()
open()

function open(): void {
  const attempt = connect({ path: place.pipes })
  const frames = new FrameReader({ text: (piece, frame) => hear(piece, frame, attempt), frame: keep })
  let failure = ''
  socket = attempt
  attempt.on('connect', () => {
    isConnected = true
    isPausedByBridge = false
    nextTryMs = 10
    greet(attempt)
    stdin.resume()
  })
  attempt.on('data', (chunk: Buffer) => frames.push(chunk))
  attempt.on('drain', () => stdin.resume())
  attempt.on('error', (error: NodeJS.ErrnoException) => (failure = error.code ?? 'unknown'))
  attempt.on('close', () => (isConnected ? lose() : tryAgain(failure)))
}

/** The line, and what another bridge has not finished. */
function greet(attempt: Socket): void {
  const isFirst = state.length === 0 && heard.length === 0 && said.length === 0
  const resume = { state: state.length, heard: lengthOf(heard), said: lengthOf(said) }
  const line: Greeting = isFirst ? greeting : { ...greeting, resume }
  said.push(...unsaid)
  unsaid = []
  saidStart = 0
  attempt.write(Buffer.concat([Buffer.from(`${JSON.stringify(line)}\n`), state, ...heard, ...said]))
}

function hear(piece: Buffer, { kind }: FrameHead, from: Socket): void {
  if (kind === frameKinds.end) {
    stderr.write(piece)
    return
  }
  // The line of a state counts as not heard until all of it is out; then the state knows it.
  if (kind === frameKinds.lines) heard.push(piece)
  lastByte = piece[piece.length - 1] ?? lastByte
  if (!stdout.write(piece)) from.pause()
}

function keep({ kind, inputEnd }: FrameHead, note: Buffer): void {
  hangUps = 0
  if (kind === frameKinds.state) {
    state = note
    heard = []
    forgetUpTo(inputEnd)
  } else if (kind === frameKinds.pause) isPausedByBridge = true
  else if (kind === frameKinds.end) leave(note[0] ?? 0)
}

/** Lets go of the input that the state covers. */
function forgetUpTo(inputEnd: number): void {
  let surplus = inputEnd - saidStart
  saidStart = inputEnd
  for (let first = said[0]; first && surplus > 0; first = said[0]) {
    if (first.length > surplus) said[0] = first.subarray(surplus)
    else said.shift()
    surplus -= first.length
  }
}

/** The bridge is gone. */
function lose(): void {
  isConnected = false
  if (hasInputEnded) return leave(0)
  // A line that was cut off ends here, so that the next one is read.
  if (lastByte !== 0x0a) stdout.write('\n')
  lastByte = 0x0a
  if (++hangUps > mostHangUps) return giveUp('the bridge hangs up again and again')
  waitingSince = Date.now()
  isStarting = false
  // Not all shims of a machine at once.
  mayStartAt = Date.now() + Math.random() * spreadMs
  tryLaterOn(nextTryMs)
}

/** Nobody listens, or not yet. */
function tryAgain(failure: string): void {
  if (hasInputEnded) return leave(0)
  const mayPass = failure === 'ENOENT' || failure === 'ECONNREFUSED' || failure === 'EAGAIN'
  if (!mayPass) return giveUp(`the bridge cannot be reached (${failure})`)
  if (isPausedByBridge && unsaid.length === 0) return tryLaterOn(lookMs)
  if (Date.now() - waitingSince > startLimitMs) return giveUp('the bridge was not there in time')
  if (!isStarting && failure !== 'EAGAIN' && Date.now() >= mayStartAt) {
    isStarting = true
    startBridge(`${__dirname}/bridge.js`, { ...place, logFile: logFileOf(surroundings) }, env, (why) =>
      giveUp(`the bridge could not be started: ${why.words}`, why.exitCode),
    )
  }
  nextTryMs = Math.min(nextTryMs * 1.5, 100)
  tryLaterOn(nextTryMs)
}

/** The client speaks to a bridge that has ended: it is started again. */
function reconnect(): void {
  waitingSince = Date.now()
  mayStartAt = 0
  tryLaterOn(0)
}

function tryLaterOn(ms: number): void {
  clearTimeout(timer)
  timer = setTimeout(open, ms)
}

function giveUp(words: string, exitCode = tryLater): void {
  stderr.write(`bridgekeeper: ${words}\n`)
  leave(exitCode)
}

/** Ends as soon as stdout has taken everything. */
function leave(exitCode: number): void {
  process.exitCode ??= exitCode
  clearTimeout(timer)
  socket?.destroy()
  stdin.destroy()
  const exit = (): never => process.exit()
  if (stdout.writableLength === 0) exit()
  stdout.once('drain', exit)
  setTimeout(exit, 2_000).unref()
}

/** Some client apps die without closing stdin, or leave it open in another child. */
function watchParent(): void {
  const parent = process.ppid
  setInterval(() => {
    if (process.ppid !== parent || !isAlive(parent)) leave(0)
  }, parentCheckMs).unref()
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function greetingFor(words: readonly string[]): Greeting {
  let client = env['BRIDGEKEEPER_CLIENT'] || 'default'
  let connection: string | undefined
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? ''
    if (word === '--client') client = words[++i] ?? client
    else if (word.startsWith('--client=')) client = word.slice('--client='.length)
    else if (word.startsWith('-') || connection !== undefined) {
      giveUp(`"${word}" cannot be understood; use: bridgekeeper stdio [<connection>] [--client <name>]`, 3)
    } else connection = word
  }
  return { bridgekeeper: pipeVersion, client, ...(connection === undefined ? {} : { connection }) }
}

function lengthOf(pieces: readonly Buffer[]): number {
  return pieces.reduce((sum, { length }) => sum + length, 0)
}
