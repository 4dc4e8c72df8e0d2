import { describe, expect, it } from 'vitest'
import { headline, trayMenu, type MenuLine } from '../../../electron/tray/menu.ts'
import { iconForm, type TrayState } from '../../../electron/tray/tray-state.ts'
import { connection, stepUp } from '../connections.ts'

const running: TrayState = { bridge: { is: 'running', isOwn: true }, connections: [], approvals: 0 }

function labels(lines: readonly MenuLine[]): readonly string[] {
  return lines.flatMap((line) => (line.is === 'separator' ? [] : [line.label]))
}

function menuOf(state: TrayState, id: string): Extract<MenuLine, { is: 'menu' }> {
  const found = trayMenu(state).find((line) => line.is === 'menu' && line.label.startsWith(`${id}: `))
  if (found?.is !== 'menu') throw new Error(`no menu for ${id}`)
  return found
}

describe('the menu of the tray', () => {
  it('says in its first line how many are connected and how many ask', () => {
    const connections = [
      connection('notion'),
      connection('linear', { stepUp }),
      connection('github', { status: 'sign-in-again' }),
    ]
    expect(headline({ ...running, connections })).toBe('Bridgekeeper: 2 connected, 2 ask for you')
    expect(headline({ ...running, connections: connections.slice(0, 2) })).toBe(
      'Bridgekeeper: 2 connected, 1 asks for you',
    )
    expect(headline(running)).toBe('Bridgekeeper: no servers yet')
  })

  it('offers each connection what it can do now, the question first', () => {
    const state: TrayState = {
      ...running,
      connections: [
        connection('linear', { stepUp }),
        connection('notion', { account: 'ada@example.com' }),
        connection('github', { status: 'sign-in-again', scopes: { asked: [], granted: [] } }),
        connection('asana', { status: 'signing-in', scopes: { asked: [], granted: [] } }),
        connection('files', { auth: 'bearer' }),
      ],
    }
    const shown = state.connections.map(({ id }) => {
      const { label, lines } = menuOf(state, id)
      return [label, labels(lines)]
    })
    expect(shown).toEqual([
      ['linear: asks for write:issues', ['Allow in browser…', 'Copy endpoint', 'Details…', 'Revoke access…']],
      ['notion: connected as ada@example.com', ['Copy endpoint', 'Details…', 'Revoke access…']],
      ['github: sign in again', ['Sign in again…', 'Copy endpoint', 'Details…', 'Remove…']],
      [
        'asana: waiting for you in the browser',
        ['Open the browser again', 'Cancel the sign-in', 'Copy endpoint', 'Details…', 'Remove…'],
      ],
      ['files: connected', ['Copy endpoint', 'Details…', 'Revoke access…']],
    ])
  })

  it('shows no connection while no bridge runs, and offers to try again', () => {
    const lost: TrayState = {
      bridge: { is: 'lost', failure: { code: 'bridge.port_in_use' } },
      connections: [connection('notion')],
      approvals: 2,
    }
    expect(labels(trayMenu(lost))).toEqual([
      'Bridgekeeper does not run. The port is used by another program.',
      'Try again now',
      'Add a server…',
      'Client apps…',
      'Open Bridgekeeper',
      'Quit',
    ])
  })

  it('keeps the order of connections, but where not all have room those that ask come first', () => {
    const many = Array.from({ length: 60 }, (_, at) => connection(`server-${at}`))
    const asking = connection('last', { stepUp })
    const shown = labels(trayMenu({ ...running, connections: [...many, asking] }))
    expect(shown[1]).toBe('last: asks for write:issues')
    expect(shown).toContain('21 more…')
    const few = labels(trayMenu({ ...running, connections: [...many.slice(0, 3), asking] }))
    expect(few.slice(1, 5).map((label) => label.split(':')[0])).toEqual([
      'server-0',
      'server-1',
      'server-2',
      'last',
    ])
  })

  it("shows a server's own words as one bounded line that reads as it is", () => {
    const account = `\u202Eevil\u0007\n<b>${'long '.repeat(2000)}`
    const { label } = menuOf({ ...running, connections: [connection('notion', { account })] }, 'notion')
    expect(label).toMatch(/^notion: connected as evil <b>long/)
    expect(label.length).toBeLessThan(80)
    expect(label).not.toMatch(/[\p{Cc}\p{Cf}]/u)
  })

  it('leads to the calls that wait, and to what is added', () => {
    const lines = trayMenu({ ...running, approvals: 2 })
    expect(lines).toContainEqual({
      is: 'line',
      label: '2 calls wait for you…',
      action: { does: 'open', at: '/approvals' },
    })
    expect(lines).toContainEqual({
      is: 'line',
      label: 'Add a server…',
      action: { does: 'open', at: '/servers/add' },
    })
  })

  it('says when the bridge that runs is of another version', () => {
    const state: TrayState = { ...running, bridge: { is: 'running', isOwn: false, otherVersion: '9.9.9' } }
    expect(labels(trayMenu(state))).toContain('The bridge is of version 9.9.9')
  })
})

describe('the icon of the tray', () => {
  it.each([
    ['well', { ...running, connections: [connection('notion')] }],
    ['asked', { ...running, connections: [connection('linear', { stepUp })] }],
    ['asked', { ...running, approvals: 1 }],
    ['asked', { ...running, connections: [connection('a', { status: 'sign-in-again' })] }],
    ['broken', { ...running, connections: [connection('a', { status: 'failed' })] }],
    ['broken', { ...running, bridge: { is: 'lost', failure: { code: 'bridge.unreachable' } }, approvals: 1 }],
    ['paused', { ...running, bridge: { is: 'starting' } }],
  ] satisfies [string, TrayState][])('is %s for what it stands for', (form, state) => {
    expect(iconForm(state)).toBe(form)
  })
})
