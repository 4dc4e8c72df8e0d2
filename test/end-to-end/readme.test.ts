import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { startMcpServer } from '../support/mcp-server.ts'
import { startClientCommands } from './client-commands.ts'
import { closing } from './scene.ts'

const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8')
const shim = fileURLToPath(new URL('../../dist/stdio.cjs', import.meta.url))

/** What the README shows under the command that adds an app. */
function shownFor(app: string): string | undefined {
  const [, after = ''] = readme.split(`\`bridgekeeper clients add ${app}\``)
  return /```json\n(.*?)```/s.exec(after)?.[1]
}

describe.skipIf(process.platform === 'win32')('what the README shows', () => {
  it.each(['claude-desktop', 'cursor', 'vscode', 'claude-code'])('is what is written for %s', async (app) => {
    const commands = await startClientCommands()
    const server = closing(await startMcpServer())
    await commands.json(['add', server.url.href])
    await commands.json(['clients', 'add', app, '--yes'])
    const path = (await commands.state(app)).files[0]?.path ?? ''
    const written = (await readFile(path, 'utf8'))
      .replace(/127\.0\.0\.1:\d+\/[\w-]{32}\//, '127.0.0.1:47330/[redacted]/')
      .replace(process.execPath, '/usr/bin/node')
      .replace(shim, '/home/ada/bridgekeeper/dist/stdio.cjs')
    expect(shownFor(app)?.trimEnd()).toBe(written.trimEnd())
  })
})
