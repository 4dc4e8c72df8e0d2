import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  classifyAddress,
  classifyHost,
  isLoopbackHost,
  mayReach,
  mostPublic,
  type AddressClass,
} from '../../../bridge/oauth/addresses.ts'

const examples: Record<AddressClass, string[]> = {
  public: [
    '8.8.8.8',
    '93.184.216.34',
    '172.32.0.1',
    '100.128.0.1',
    '2606:4700::1111',
    '2a00:1450:4001:80e::200e',
    '::ffff:8.8.8.8',
    '64:ff9b::808:808',
    '2002:808:808::1',
  ],
  private: [
    '10.0.0.1',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '100.100.100.200',
    '168.63.129.16',
    '192.0.0.192',
    '192.0.2.1',
    '198.18.0.1',
    '198.51.100.1',
    '203.0.113.1',
    '224.0.0.1',
    '240.0.0.1',
    '255.255.255.255',
    'fc00::1',
    'fd00:ec2::254',
    'fe80::1',
    'fe80::1%eth0',
    'fec0::1',
    'ff02::1',
    '100::1',
    '2001:db8::1',
    '2001::1',
    '64:ff9b:1::1',
    '5f00::1',
    '4000::1',
    '::ffff:10.0.0.1',
    '::ffff:0:10.0.0.1',
    '64:ff9b::a00:1',
    '64:ff9b::7f00:1',
    '2002:a00:1::1',
    '::a00:1',
    '::7f00:1',
    'no address',
    '',
    '127.1',
  ],
  loopback: ['127.0.0.1', '127.255.0.3', '0.0.0.0', '0.1.2.3', '::1', '::', '::ffff:127.0.0.1', '[::1]'],
}

describe('the class of an address (RFC 6890)', () => {
  it.each(
    Object.entries(examples).flatMap(([name, list]) => list.map((address) => [address, name] as const)),
  )('%s is %s', (address, expected) => {
    expect(classifyAddress(address)).toBe(expected)
  })

  it('is the same for an IPv4 address and its IPv6 mapping', () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        expect(classifyAddress(`::ffff:${address}`)).toBe(classifyAddress(address))
      }),
    )
  })

  it('is public for a translated address only where the inner one is', () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        const inner = classifyAddress(address) === 'public' ? 'public' : 'private'
        expect(classifyAddress(`64:ff9b::${address}`)).toBe(inner)
      }),
    )
  })
})

describe('the class of a host in a URL', () => {
  it.each([
    ['https://10.0.0.1', 'private'],
    ['https://[::ffff:127.0.0.1]', 'loopback'],
    ['https://2130706433', 'loopback'],
    ['https://0x7f.1', 'loopback'],
    ['https://0251.0376.0251.0376', 'private'],
    ['https://8.8.8.8', 'public'],
    ['https://LOCALHOST', 'loopback'],
    ['https://app.localhost.', 'loopback'],
    ['https://localhost.example.com', undefined],
    ['https://notlocalhost', undefined],
    ['https://mcp.example.com', undefined],
  ])('%s: %s', (url, expected) => {
    expect(classifyHost(new URL(url).hostname)).toBe(expected)
  })
})

describe('a loopback host', () => {
  it.each([
    ['http://127.0.0.1', true],
    ['http://127.8.8.8', true],
    ['http://[::1]', true],
    ['http://localhost', true],
    ['http://a.b.localhost', true],
    ['http://0.0.0.0', false],
    ['http://127.0.0.1.example.com', false],
    ['http://localhost.example.com', false],
    ['http://10.0.0.1', false],
  ])('%s: %s', (url, expected) => {
    expect(isLoopbackHost(new URL(url).hostname)).toBe(expected)
  })
})

describe('the private-address rule', () => {
  it('lets a server point nowhere further inside than it lies itself', () => {
    const classes: AddressClass[] = ['public', 'private', 'loopback']
    const table = classes.map((from) => classes.map((to) => mayReach(from, to)))
    expect(table).toEqual([
      [true, false, false],
      [true, true, false],
      [true, true, true],
    ])
  })

  it('takes the most public of several addresses', () => {
    expect(mostPublic(['loopback', 'public', 'private'])).toBe('public')
    expect(mostPublic(['loopback', 'private'])).toBe('private')
    expect(mostPublic(['loopback'])).toBe('loopback')
  })
})
