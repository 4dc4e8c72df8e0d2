import * as fc from 'fast-check'

type Gen = fc.GeneratorValue

const keys = ['alpha', 'b-c', 'with space', 'ünï', 'x.y', '__proto__', 'url', '"quoted"']
const texts = [
  '',
  'plain',
  'a "quote" and \\ slash',
  '// no comment',
  '{ "not": 1 }',
  'ünïcödé 🌉',
  ', : # =',
  'https://x.example/a?b=c',
]

function pick<T>(g: Gen, items: readonly T[]): T {
  return g(fc.constantFrom, ...items) as T
}

function some(g: Gen, max: number): number {
  return g(fc.nat, max)
}

function chance(g: Gen): boolean {
  return g(fc.boolean)
}

function names(g: Gen, max: number, min = 0): readonly string[] {
  return g(() => fc.uniqueArray(fc.constantFrom(...keys), { minLength: min, maxLength: max }))
}

interface JsonStyle {
  readonly eol: string
  readonly unit: string
  readonly colon: string
  readonly comments: boolean
  readonly trailing: boolean
  readonly inline: boolean
}

/** JSON as people write it: any indentation, comments anywhere, trailing commas, objects in one line or many. */
export function anyJson(g: Gen): string {
  const style: JsonStyle = {
    eol: pick(g, ['\n', '\r\n']),
    unit: pick(g, ['  ', '    ', '\t']),
    colon: pick(g, [': ', ':', ' : ']),
    comments: chance(g),
    trailing: chance(g),
    inline: some(g, 4) === 0,
  }
  const others = names(g, 3).filter((name) => name !== 'url')
  const members: [string, string][] = others.map((name) => [name, jsonValue(g, style, 1, 2)])
  if (some(g, 5) > 0) {
    const servers = names(g, 3, some(g, 3) > 0 ? 1 : 0).map((name): [string, string] => [
      name,
      jsonObject(g, style, 2, entryMembers(g, style)),
    ])
    members.splice(some(g, members.length), 0, ['mcpServers', jsonObject(g, style, 1, servers)])
  }
  const head = style.comments && chance(g) ? `// head${style.eol}` : ''
  const tail = pick(g, ['', style.eol, style.eol + style.eol])
  return pick(g, ['', '\uFEFF']) + head + jsonObject(g, style, 0, members) + tail
}

function entryMembers(g: Gen, style: JsonStyle): [string, string][] {
  return names(g, 3).map((name) => [name, jsonValue(g, style, 3, 1)])
}

function jsonValue(g: Gen, style: JsonStyle, depth: number, deeper: number): string {
  const kind = some(g, deeper > 0 ? 5 : 3)
  if (kind === 0) return pick(g, ['0', '-1.50', '1e3', 'true', 'false', 'null'])
  if (kind <= 3) return JSON.stringify(pick(g, texts))
  if (kind === 4) return `[${[...Array(some(g, 2))].map(() => jsonValue(g, style, depth, 0)).join(', ')}]`
  return jsonObject(
    g,
    style,
    depth,
    names(g, 2).map((name) => [name, jsonValue(g, style, depth + 1, deeper - 1)]),
  )
}

function jsonObject(g: Gen, style: JsonStyle, depth: number, members: readonly [string, string][]): string {
  const inline = style.inline || (depth > 0 && some(g, 3) === 0)
  const block = style.comments && some(g, 4) === 0 ? '/* c */' : ''
  if (members.length === 0)
    return style.comments && !inline && chance(g) ? `{${style.eol}// none${style.eol}}` : `{${block}}`
  const indent = style.eol + style.unit.repeat(depth + 1)
  const parts = members.map(([name, value], index) => {
    const comma = index < members.length - 1 || style.trailing ? ',' : ''
    const member = JSON.stringify(name) + style.colon + value
    if (inline) return member + comma + (index < members.length - 1 ? ' ' : '')
    const before = style.comments && some(g, 4) === 0 ? `${indent}// about ${index}` : ''
    const after = style.comments && some(g, 4) === 0 ? pick(g, [' // tail', ' /* tail */']) : ''
    return before + indent + member + comma + after
  })
  return inline ? `{${parts.join('')}${block}}` : `{${parts.join('')}${style.eol}${style.unit.repeat(depth)}}`
}

/** YAML with servers under a key, as a map or as a list, in block style with comments or in flow style. */
export function anyYaml(g: Gen, listed: boolean): string {
  const eol = pick(g, ['\n', '\r\n'])
  const unit = pick(g, ['  ', '    '])
  const comments = chance(g)
  const note = (indent: string): string[] => (comments && some(g, 3) === 0 ? [`${indent}# note: { [`] : [])
  const scalar = (): string =>
    pick(g, ['plain', '"quoted # text"', "'single'", '12', 'true', 'a: b'.replace(': ', ':'), '[a, b]', '{}'])
  const tail = (): string => (comments && some(g, 3) === 0 ? '   # tail' : '')
  const fields = (indent: string): string[] => {
    const lines = ['kind', 'command', 'url'].flatMap((key) => [
      ...note(indent),
      `${indent}${key}: ${scalar()}${tail()}`,
    ])
    const extra = pick(g, [
      [`${indent}args:`, `${indent}- one`, `${indent}- "two"`],
      [`${indent}env:`, `${indent}${unit}KEY: value${tail()}`],
      [`${indent}text: |`, `${indent}  several`, '', `${indent}  lines`],
      [`${indent}folded: >-`, `${indent}  folded`],
      [],
    ])
    return [...lines, ...extra]
  }
  const places = [...Array(some(g, 3)).keys()].map((index) => `server ${index}`)
  const indent = listed && chance(g) ? '' : unit
  const body = places.flatMap((name) =>
    listed
      ? [...note(indent), `${indent}- name: ${name}${tail()}`, ...fields(`${indent}  `)]
      : [...note(indent), `${indent}${name}:${tail()}`, ...fields(indent + unit)],
  )
  const servers =
    places.length === 0
      ? pick(g, [[], [`servers: ${listed ? '[]' : '{}'}${tail()}`]])
      : [`servers:${tail()}`, ...body, ...pick(g, [[], ['']])]
  const lines = [
    ...note(''),
    `name: x${tail()}`,
    ...servers,
    ...pick(g, [[], ['after:', `${unit}- 1`], ['# the end'], ['last: "x"', '', '# the end']]),
  ]
  return pick(g, ['', '\uFEFF']) + lines.join(eol) + pick(g, ['', eol, eol + eol])
}

/** TOML with a table for each server among other tables, comments, dotted keys and texts of several lines. */
export function anyToml(g: Gen): string {
  const eol = pick(g, ['\n', '\r\n'])
  const note = (): string[] => (some(g, 3) === 0 ? ['# note [mcp_servers.none]'] : [])
  const tail = (): string => (some(g, 3) === 0 ? ' # tail' : '')
  const other = (name: string): string[] =>
    pick(g, [
      [`[${name}]`, `on = true${tail()}`],
      [`[[${name}]]`, 'x = 1', `[[${name}]]`, 'x = 2'],
      [`[${name}.deep]`, 'text = """', '[mcp_servers.fake]', '"""'],
      [],
    ])
  const server = (name: string): string[] => [
    ...note(),
    `[mcp_servers.${name}]${tail()}`,
    ...pick(g, [
      ['command = "npx"', 'args = ["-y", "x"]'],
      [`url = "https://x.example"${tail()}`],
      ["cwd = 'C:\\x'"],
    ]),
    ...pick(g, [[], ['', `[mcp_servers.${name}.env]`, `KEY = "value"${tail()}`]]),
    ...pick(g, [[], ['']]),
  ]
  const lines = [
    ...pick(g, [[], [`model = "x"${tail()}`], ['a.b = 1', '', '# two'], ['when = 2025-01-01T00:00:00Z']]),
    ...other('before'),
    ...[...Array(some(g, 3)).keys()].flatMap((index) => server(pick(g, [`s${index}`, `"s ${index}"`]))),
    ...other('after'),
  ]
  return pick(g, ['', '\uFEFF']) + lines.join(eol) + (lines.length > 0 ? pick(g, ['', eol, eol + eol]) : '')
}
