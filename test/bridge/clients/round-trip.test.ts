import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BridgeError } from '../../../shared/errors.ts'
import { clientApps } from '../../../bridge/clients/apps.ts'
import { readServers } from '../../../bridge/clients/entries.ts'
import { formats, putServer, serversOf, takeServer } from '../../../bridge/clients/formats/format.ts'
import { own, targetFor } from './fixtures.ts'
import { realFiles } from './real-files.ts'

const variants: Readonly<Record<string, (text: string) => string>> = {
  'as it is': (text) => text,
  'with a byte order mark': (text) => `\uFEFF${text}`,
  'with the line endings of Windows': (text) => text.replaceAll('\n', '\r\n'),
  'without a line ending at the end': (text) => text.trimEnd(),
  'with blank lines at the end': (text) => `${text.trimEnd()}\n\n\n`,
  'with a byte order mark and the line endings of Windows': (text) =>
    `\uFEFF${text.replaceAll('\n', '\r\n')}`,
}

/** Whether a text is left when something is taken out of another: nothing was changed or lost, only added. */
function isWithin(text: string, longer: string): boolean {
  let at = 0
  for (const character of longer) if (character === text[at]) at += 1
  return at === text.length
}

/** The code of the error that something ends with, if it does. */
function codeOf(work: () => unknown): unknown {
  try {
    work()
    return undefined
  } catch (thrown) {
    return thrown instanceof BridgeError ? thrown.code : thrown
  }
}

describe.each(clientApps)('the settings of $name', (app) => {
  const format = formats[app.format]
  const target = targetFor(app.speaks, 'linear-work')
  const fields = app.fields(target, 'linear-work')

  describe.each(Object.entries(variants))('a real file %s', (_, vary) => {
    const text = vary(realFiles[app.id])
    const added = putServer(format, text, app.table, 'linear-work', fields)

    it('gets the entry and keeps every other byte', () => {
      expect(isWithin(text, added)).toBe(true)
      expect(serversOf(format.parse(added), app.table).get('linear-work')).toMatchObject(fields)
      expect(added.startsWith('\uFEFF')).toBe(text.startsWith('\uFEFF'))
      expect(/(?<!\r)\n/.test(added)).toBe(/(?<!\r)\n/.test(text))
      expect(added.endsWith('\n')).toBe(text.endsWith('\n'))
    })

    it('is read back as ours', () => {
      const entry = readServers(app, added, own).find(({ name }) => name === 'linear-work')
      expect(entry).toMatchObject({ enabled: true, serves: { kind: 'bridge', connection: 'linear-work' } })
    })

    it('does not change when the entry is added again', () => {
      expect(putServer(format, added, app.table, 'linear-work', fields)).toBe(added)
    })

    it('has its old bytes when the entry is removed', () => {
      expect(takeServer(format, added, app.table, 'linear-work')).toBe(text)
    })

    it('keeps its bytes whichever of several entries goes first', () => {
      const names = ['alpha', 'beta', 'gamma']
      const full = names.reduce((now, name) => putServer(format, now, app.table, name, fields), text)
      fc.assert(
        fc.property(fc.shuffledSubarray(names, { minLength: 3 }), (order) => {
          expect(order.reduce((now, name) => takeServer(format, now, app.table, name), full)).toBe(text)
        }),
        { numRuns: 6 },
      )
    })
  })

  it('can be removed and added again, every server of a real file', () => {
    const text = realFiles[app.id]
    for (const [name, server] of serversOf(format.parse(text), app.table)) {
      const without = takeServer(format, text, app.table, name)
      expect(serversOf(format.parse(without), app.table).has(name)).toBe(false)
      const again = putServer(format, without, app.table, name, server as never)
      expect(serversOf(format.parse(again), app.table).get(name)).toEqual(server)
    }
  })

  it('is never written when it does not parse', () => {
    const text = realFiles[app.id]
    fc.assert(
      fc.property(
        fc.nat(text.length - 1),
        fc.constantFrom('{', '[', '"', '}', ',,', '\u0000', ': :', '= ='),
        (at, junk) => {
          const broken = text.slice(0, at) + junk + text.slice(at)
          const parsed = codeOf(() => format.parse(broken))
          fc.pre(parsed !== undefined)
          const put = codeOf(() => putServer(format, broken, app.table, 'x', fields))
          const taken = codeOf(() => takeServer(format, broken, app.table, 'x'))
          expect([parsed, put, taken]).toEqual(Array(3).fill('clients.file_broken'))
        },
      ),
      { numRuns: 60 },
    )
  })
})
