import { describe, expect, it } from 'vitest'
import { formats, putServer, takeServer } from '../../../../bridge/clients/formats/format.ts'

const lines = (...all: readonly string[]): string => all.join('\n')
const map = (...keys: readonly string[]) => ({ keys, listed: false })
const fields = { url: 'http://x', args: ['a'] }

describe('a new entry in JSON', () => {
  const put = (text: string, ...keys: readonly string[]): string =>
    putServer(formats.json, text, map(...keys), 'ours', fields)

  it('comes after the last one and the comment behind that', () => {
    const text = lines('{', '  "s": {', '    "a": {} // about a', '    // off: "b": {}', '  }', '}')
    expect(put(text, 's')).toBe(
      lines(
        '{',
        '  "s": {',
        '    "a": {}, // about a',
        '    "ours": {',
        '      "url": "http://x",',
        '      "args": [',
        '        "a"',
        '      ]',
        '    }',
        '    // off: "b": {}',
        '  }',
        '}',
      ),
    )
  })

  it('keeps trailing commas where they are used', () => {
    const text = lines('{', '\t"s": {', '\t\t"a": {}, /* about a */', '\t},', '}')
    expect(put(text, 's')).toBe(
      lines(
        '{',
        '\t"s": {',
        '\t\t"a": {}, /* about a */',
        '\t\t"ours": {',
        '\t\t\t"url": "http://x",',
        '\t\t\t"args": [',
        '\t\t\t\t"a"',
        '\t\t\t]',
        '\t\t},',
        '\t},',
        '}',
      ),
    )
  })

  it('stays in one line where the others are in one line', () => {
    expect(put('{"s":{"a":{}}}', 's')).toBe('{"s":{"a":{},"ours":{"url":"http://x","args":["a"]}}}')
    expect(put(lines('{', '  "s": { "a": {} }', '}'), 's')).toBe(
      lines('{', '  "s": { "a": {}, "ours": { "url": "http://x", "args": [ "a" ] } }', '}'),
    )
  })

  it('makes its table at the end, under a key with dots as under any other', () => {
    expect(put(lines('{', '    "x.y": 1 // one', '}', ''), 'amp.mcpServers')).toBe(
      lines(
        '{',
        '    "x.y": 1, // one',
        '    "amp.mcpServers": {',
        '        "ours": {',
        '            "url": "http://x",',
        '            "args": [',
        '                "a"',
        '            ]',
        '        }',
        '    }',
        '}',
        '',
      ),
    )
  })

  it('goes below the comments of a table that holds nothing else', () => {
    const text = lines('{', '  "s": {', '    // none yet', '  }', '}')
    expect(put(text, 's')).toContain(lines('    // none yet', '    "ours": {'))
    expect(takeServer(formats.json, put(text, 's'), map('s'), 'ours')).toBe(text)
  })

  it('replaces a table that is null', () => {
    expect(JSON.parse(put('{"s": null, "t": 1}', 's'))).toEqual({ s: { ours: fields }, t: 1 })
  })
})

describe('an entry in JSON that goes', () => {
  const take = (text: string): string => takeServer(formats.json, text, map('s'), 'ours')

  it('takes the comment in its own line along and no other', () => {
    const text = lines('{ "s": {', '  // above', '  "ours": {}, // about ours', '  "b": {} // about b', '} }')
    expect(take(text)).toBe(lines('{ "s": {', '  // above', '  "b": {} // about b', '} }'))
    const last = lines('{ "s": {', '  "a": {}, // about a', '  // above', '  "ours": {} // about ours', '} }')
    expect(take(last)).toBe(lines('{ "s": {', '  "a": {} // about a', '  // above', '} }'))
  })

  it('leaves the others of its line', () => {
    expect(take('{ "s": { "a": 1, "ours": {}, "b": 2 } }')).toBe('{ "s": { "a": 1, "b": 2 } }')
    expect(take('{ "s": { "ours": {}, "b": 2 } }')).toBe('{ "s": { "b": 2 } }')
    expect(take('{ "s": { "a": 1, "ours": {} } }')).toBe('{ "s": { "a": 1 } }')
    expect(take('{ "s": { "a": 1, "ours": {}, } }')).toBe('{ "s": { "a": 1, } }')
    expect(take('{ "s": { "ours": {} } }')).toBe('{ "s": {} }')
  })
})

describe('an entry that changes', () => {
  const text = {
    json: lines(
      '{ "s": { "ours": {',
      '  "url": "old", // the address',
      '  "mine": [1,2],',
      '  "type": "x"',
      '} } }',
    ),
    yaml: lines('s:', '  ours:', '    url: old # the address', '    mine: [1,2]', '    type: x', 'z: 1', ''),
    toml: lines(
      '[s.ours]',
      'url = "old" # the address',
      'mine = [1,2]',
      'type = "x"',
      '',
      '[s.ours.env]',
      'A = "b"',
      '',
    ),
  }

  it('has the changed field changed and the dropped one dropped, the rest as it was', () => {
    const put = (format: 'json' | 'yaml' | 'toml'): string =>
      putServer(formats[format], text[format], map('s'), 'ours', { url: 'new', n: 1 }, ['type', 'env'])
    expect(put('json')).toBe(
      lines('{ "s": { "ours": {', '  "url": "new", // the address', '  "mine": [1,2],', '  "n": 1', '} } }'),
    )
    expect(put('yaml')).toBe(
      lines('s:', '  ours:', '    url: new # the address', '    mine: [1,2]', '    n: 1', 'z: 1', ''),
    )
    expect(put('toml')).toBe(lines('[s.ours]', 'url = "new" # the address', 'mine = [1,2]', 'n = 1', ''))
  })

  it('is written anew when its fields cannot be changed one by one', () => {
    const flow = putServer(formats.yaml, 's:\n  ours: {url: old, mine: 1}\n', map('s'), 'ours', {
      url: 'new',
    })
    expect(formats.yaml.parse(flow)).toEqual({ s: { ours: { url: 'new', mine: 1 } } })
    const dotted = putServer(formats.toml, 's.ours.url = "old"\ns.ours.mine = 1\n', map('s'), 'ours', {
      url: 'new',
    })
    expect(formats.toml.parse(dotted)).toEqual({ s: { ours: { url: 'new', mine: 1 } } })
  })
})

describe('a new entry in YAML', () => {
  const put = (text: string, listed = false): string =>
    putServer(formats.yaml, text, { keys: ['s'], listed }, 'ours', fields)

  it('comes after the last one, in its indentation, before what follows', () => {
    expect(put(lines('s:', '    a:', '        b: 1 # one', '', '# after', 'z: 1'))).toBe(
      lines(
        's:',
        '    a:',
        '        b: 1 # one',
        '    ours:',
        '        url: http://x',
        '        args:',
        '            - a',
        '',
        '# after',
        'z: 1',
      ),
    )
    expect(put(lines('s:', '- name: a', '  b: |', '    text', '', 'z: 1', ''), true)).toBe(
      lines(
        's:',
        '- name: a',
        '  b: |',
        '    text',
        '- name: ours',
        '  url: http://x',
        '  args:',
        '    - a',
        '',
        'z: 1',
        '',
      ),
    )
  })

  it('is made room for in an empty table, whose comment stays', () => {
    expect(put(lines('s: []  # none', 'z: 1'), true)).toBe(
      lines('s:  # none', '  - name: ours', '    url: http://x', '    args:', '      - a', 'z: 1'),
    )
    expect(put(lines('s:', 'z: 1'))).toBe(
      lines('s:', '  ours:', '    url: http://x', '    args:', '      - a', 'z: 1'),
    )
  })

  it('joins others that are in one line', () => {
    expect(put('s: {a: {b: 1}} # one\n')).toBe(
      's: {a: {b: 1}, "ours":{"url":"http://x","args":["a"]}} # one\n',
    )
    expect(put('s: [{name: a}]\n', true)).toBe(
      's: [{name: a}, {"name":"ours","url":"http://x","args":["a"]}]\n',
    )
  })
})

describe('a new entry in TOML', () => {
  const put = (text: string, name = 'ours'): string => putServer(formats.toml, text, map('s'), name, fields)
  const table = ['[s.ours]', 'url = "http://x"', 'args = ["a"]']

  it('comes after the last server and its own tables, or at the end', () => {
    expect(put(lines('[s.a]', 'b = 1 # one', '[s.a.env]', 'C = "d"', '', '[z]', 'y = 1', ''))).toBe(
      lines('[s.a]', 'b = 1 # one', '[s.a.env]', 'C = "d"', '', ...table, '', '[z]', 'y = 1', ''),
    )
    expect(put(lines('m = 1', '# end', '', ''))).toBe(lines('m = 1', '# end', '', ...table, '', ''))
  })

  it('has its name and its texts quoted where they must be', () => {
    const text = putServer(formats.toml, '', map('s'), 'a b"', {
      c: 'C:\\x "y"\u007F\n',
      d: { 'e f': true, g: {} },
    })
    expect(formats.toml.parse(text)).toEqual({
      s: { 'a b"': { c: 'C:\\x "y"\u007F\n', d: { 'e f': true, g: {} } } },
    })
  })
})
