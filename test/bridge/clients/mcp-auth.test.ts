import { createHash } from 'node:crypto'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { ClientImport } from '../../../shared/client-app.ts'
import { viewImportable } from '../../../bridge/clients/importable.ts'
import { look, only, url, wrapper } from './import-fixtures.ts'

const md5 = (text: string): string => createHash('md5').update(text).digest('hex')

describe('what mcp-remote has stored', () => {
  const folder = '/home/ada/.mcp-auth/mcp-remote-v1'
  const tokens = JSON.stringify({
    access_token: 'PLANTED-A',
    refresh_token: 'PLANTED-R',
    token_type: 'bearer',
  })
  const files = {
    [`${folder}/${md5(url)}_tokens.json`]: tokens,
    [`${folder}/${md5(url)}_client_info.json`]:
      '{"client_id":"dyn","client_secret":"PLANTED-C","redirect_uris":[]}',
    [`${folder}/${md5(url)}_code_verifier_abc.txt`]: 'PLANTED-V',
    [`/home/ada/.mcp-auth/mcp-remote-0.1.29/${md5(url)}_tokens.json`]: tokens,
    [`/home/ada/.mcp-auth/${md5(url)}_debug.log`]: 'log',
    [`${folder}/${md5('https://old.example/')}_tokens.json`]: 'broken {',
    [`${folder}/unrelated.txt`]: 'x',
    '/home/ada/.mcp-auth/other/x_tokens.json': 'x',
  }

  it('is found for an entry, in the folders of every version', () => {
    const { importable, leftOver } = look({ a: wrapper(url) }, files)
    const [record] = importable[0]?.stored ?? []
    expect(record?.files.map(({ kind }) => kind).sort()).toEqual([
      'client',
      'log',
      'tokens',
      'tokens',
      'verifier',
    ])
    expect(record?.accessToken?.reveal()).toBe('PLANTED-A')
    expect(record?.refreshToken?.reveal()).toBe('PLANTED-R')
    expect(record?.clientId).toBe('dyn')
    expect(record?.clientSecret?.reveal()).toBe('PLANTED-C')
    expect(leftOver.map(({ stored }) => stored)).toEqual([md5('https://old.example/')])
  })

  it('is left over when no entry names it', () => {
    const { leftOver } = look({}, files)
    expect(leftOver.map(({ stored }) => stored).sort()).toEqual(
      [md5(url), md5('https://old.example/')].sort(),
    )
  })

  it('may be in a folder that the entry names', () => {
    const elsewhere = { [`/srv/auth/mcp-remote-v1/${md5(url)}_tokens.json`]: tokens }
    const item = only(
      look({ a: { ...wrapper(url), env: { MCP_REMOTE_CONFIG_DIR: '/srv/auth' } } }, elsewhere),
    )
    expect(viewImportable(item).tokenFiles).toEqual(Object.keys(elsewhere))
  })

  it('never prints', () => {
    const entry = { ...wrapper(url, '--header', 'X-Key: ${K}'), env: { K: 'PLANTED-K' } }
    const findings = look(
      { a: entry, b: { url: `${url}?api_key=PLANTED-Q`, headers: { Authorization: 'Bearer PLANTED-B' } } },
      files,
    )
    // The address of a proposal goes to the bridge as it is; people see the one without its secrets.
    const shown = findings.importable.map((item) => viewImportable(item))
    for (const view of shown) expect(ClientImport.parse(view)).toEqual(view)
    const { importable, ...rest } = findings
    const inside = importable.map(({ outcome, ...item }) => ({ ...item, outcome: { ...outcome, url: '' } }))
    const printed = inspect([inside, rest, shown], { depth: 20 }) + JSON.stringify([inside, rest, shown])
    expect(printed).not.toContain('PLANTED')
  })
})
