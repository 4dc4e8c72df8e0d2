import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { listenAlone } from '../../bridge/control/one-bridge.ts'
import { serveControl } from '../../bridge/control/server.ts'
import { bridgePaths, ensureHome } from '../../bridge/paths.ts'
import type { CallFacts, CallOutcome } from '../../bridge/activity/recorder.ts'
import { recordLog } from '../bridge/gateway/support.ts'
import { callsOf } from '../bridge/activity/scene.ts'
import { startBridge, type BridgeUnderTest } from '../support/bridge-under-test.ts'
import { createTemporaryHome } from '../support/temporary-home.ts'
import { closing } from './scene.ts'

const cli = fileURLToPath(new URL('../../dist/cli.js', import.meta.url))

/** A bridge that serves its control API, and the built command beside it. */
async function setStage() {
  const home = await createTemporaryHome()
  const paths = bridgePaths({
    platform: process.platform,
    userHome: home.folder,
    user: 'test',
    home: home.bridge,
  })
  ensureHome(paths)
  const bridge: BridgeUnderTest = closing(await startBridge({ home }))
  const place = await listenAlone(paths)
  if (!('alone' in place)) throw new Error('another bridge in a new home')
  closing(place.alone)
  serveControl({ socket: place.alone, handlers: bridge.control, log: recordLog() })
  const start = (words: string[]) => {
    const child = spawn(process.execPath, [cli, 'activity', ...words], {
      env: { ...home.env, BRIDGEKEEPER_HOME: home.bridge },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    return child
  }
  const run = async (...words: string[]) => {
    const child = start(words)
    const [[code], out, err] = await Promise.all([
      once(child, 'exit'),
      text(child.stdout),
      text(child.stderr),
    ])
    return { code: code as number | null, out, err }
  }
  const call = (facts: Partial<CallFacts> = {}, end: Partial<CallOutcome> = {}): void => {
    const known: CallFacts = {
      client: 'cursor',
      connection: 'linear',
      method: 'tools/call',
      face: 'http',
      requestBytes: 1,
    }
    const begun = bridge.bridge.activity.begin({ ...known, ...facts })
    if (begun.wantsPayload) begun.payload('request', Buffer.from('{"token":"planted","query":"open"}'))
    begun.end({ outcome: 'answered', status: 200, bytes: 2, ...end })
  }
  return { bridge, start, run, call }
}

describe('bridgekeeper activity, as a process', () => {
  it('shows what was called through the bridge, of whom it is asked for, and deletes it', async () => {
    const { run, call } = await setStage()
    call({ name: 'list_issues' })
    call({ client: 'zed', name: 'create_issue' }, { outcome: 'refused' })
    call({ connection: 'notion', method: 'resources/read', name: 'https://a.example/x?token=planted' })
    const shown = await run('--json')
    expect(shown).toMatchObject({ code: 0, err: '' })
    expect(callsOf(shown.out.trimEnd().split('\n')).map(({ name }) => name)).toEqual([
      'list_issues',
      'create_issue',
      'https://a.example/x',
    ])
    expect((await run('--client', 'zed', '--since', '1h')).out).toMatch(/create_issue .*refused\n$/)
    expect((await run('--connection', 'notion', '--limit', '5')).out.split('\n')).toHaveLength(2)
    expect((await run('clear', '--connection', 'linear')).out).toMatch(/^Deleted /)
    expect(callsOf((await run('--json')).out.trimEnd().split('\n'))).toHaveLength(1)
  })

  it('shows calls as they end, and arguments where that was switched on', async () => {
    const { bridge, start, run, call } = await setStage()
    const id = await bridge.add('http://127.0.0.1:9/mcp', { id: 'linear', bearer: 'key-of-the-test' })
    expect((await run('payloads', id, 'on')).code).toBe(0)
    expect(await run('payloads', 'notion', 'on')).toMatchObject({ code: 3 })
    const following = start(['--follow', '--connection', id])
    // The words of the command come when it listens.
    await once(createInterface(following.stderr), 'line')
    call({ connection: 'notion', name: 'not this' })
    call({ name: 'list_issues' })
    const lines = createInterface(following.stdout)[Symbol.asyncIterator]()
    expect((await lines.next()).value).toMatch(/cursor {2}linear {2}tools\/call list_issues .*answered$/)
    expect((await lines.next()).value).toBe('    > {"token":"[redacted]","query":"open"}')
    const ended = once(following, 'exit')
    following.kill('SIGINT')
    expect(await ended).toEqual([0, null])
    await bridge.control.connections.remove({ id: id as never }, AbortSignal.timeout(5_000))
    expect((await run('payloads', '--json')).out).toBe('[]\n')
    expect((await run('--connection', id, '--json')).out).toContain('list_issues')
  })
})
