import { describe, expect, it } from 'vitest'
import { clientApp } from '../../../bridge/clients/apps.ts'
import { shimCommand } from '../../../bridge/clients/targets.ts'
import { ConnectionId } from '../../../shared/connection.ts'

const shim = '/opt/bridgekeeper/dist/stdio.cjs'
const linear = ConnectionId.parse('linear')

describe('the program that a client app starts', () => {
  it('is the Node of the bridge, with nothing in its environment', () => {
    expect(shimCommand(shim, linear, 'claude-desktop')).toEqual({
      kind: 'stdio',
      command: process.execPath,
      args: [shim, 'linear', '--client=claude-desktop'],
    })
  })

  it('is told to be a Node where it is the binary of the tray app', () => {
    const target = shimCommand(shim, linear, 'claude-desktop', { ...process.versions, electron: '45.4.1' })
    expect(clientApp('claude-desktop').fields(target, 'linear')).toEqual({
      command: process.execPath,
      args: [shim, 'linear', '--client=claude-desktop'],
      env: { ELECTRON_RUN_AS_NODE: '1' },
    })
  })
})
