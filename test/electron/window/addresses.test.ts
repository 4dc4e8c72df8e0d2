import { describe, expect, it } from 'vitest'
import { addressOf, browserAddress, isPageAddress } from '../../../electron/window/page-address.ts'

describe('the address of the page', () => {
  it('is ours alone', () => {
    expect(isPageAddress(addressOf('/servers/linear'))).toBe(true)
    expect(isPageAddress(addressOf('/'))).toBe(true)
    for (const other of [
      'app://bridgekeeper.example/ui/',
      'app://bridgekeeper@evil.example/ui/',
      'app://bridgekeeper/other',
      'http://bridgekeeper/ui/',
      'file:///ui/',
      'about:blank',
      'data:text/html,app://bridgekeeper/ui/',
      '',
    ])
      expect([other, isPageAddress(other)]).toEqual([other, false])
  })
})

describe('what goes to the browser', () => {
  it('is http or https, spelled plainly', () => {
    expect(browserAddress('HTTPS://Login.Example/a b')).toBe('https://login.example/a%20b')
    expect(browserAddress('http://127.0.0.1:8080/authorize?x=1')).toBe('http://127.0.0.1:8080/authorize?x=1')
  })

  it.each([
    'file:///etc/passwd',
    'javascript:alert(1)',
    'smb://host/share',
    'ms-msdt:/id',
    'vscode://x',
    'https://bank.example@evil.example/',
    '-a Calculator',
    '',
  ])('is never %s', (address) => {
    expect(browserAddress(address)).toBeUndefined()
  })
})
