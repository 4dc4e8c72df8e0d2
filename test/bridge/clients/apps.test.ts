import { describe, expect, it } from 'vitest'
import { ClientAppId } from '../../../shared/client-app.ts'
import { candidatesOf, chooseFile, isInstalled } from '../../../bridge/clients/app.ts'
import { clientApp, clientApps } from '../../../bridge/clients/apps.ts'
import type { Platform } from '../../../bridge/clients/machine.ts'
import { machineWith } from './fixtures.ts'

const fileOf = (
  id: ClientAppId,
  platform: Platform,
  files: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): string => {
  const machine = machineWith(platform, files, env)
  return chooseFile(candidatesOf(clientApp(id), machine), machine)
}

const roaming = 'C:\\Users\\ada\\AppData\\Roaming'
const local = 'C:\\Users\\ada\\AppData\\Local'
const support = '/Users/ada/Library/Application Support'

const paths: Readonly<Record<ClientAppId, Readonly<Record<Platform, string>>>> = {
  'claude-desktop': {
    darwin: `${support}/Claude/claude_desktop_config.json`,
    linux: '/home/ada/.config/Claude/claude_desktop_config.json',
    win32: `${roaming}\\Claude\\claude_desktop_config.json`,
  },
  'claude-code': {
    darwin: '/Users/ada/.claude.json',
    linux: '/home/ada/.claude.json',
    win32: 'C:\\Users\\ada\\.claude.json',
  },
  cursor: {
    darwin: '/Users/ada/.cursor/mcp.json',
    linux: '/home/ada/.cursor/mcp.json',
    win32: 'C:\\Users\\ada\\.cursor\\mcp.json',
  },
  vscode: {
    darwin: `${support}/Code/User/mcp.json`,
    linux: '/home/ada/.config/Code/User/mcp.json',
    win32: `${roaming}\\Code\\User\\mcp.json`,
  },
  'vscode-insiders': {
    darwin: `${support}/Code - Insiders/User/mcp.json`,
    linux: '/home/ada/.config/Code - Insiders/User/mcp.json',
    win32: `${roaming}\\Code - Insiders\\User\\mcp.json`,
  },
  'copilot-cli': {
    darwin: '/Users/ada/.copilot/mcp-config.json',
    linux: '/home/ada/.copilot/mcp-config.json',
    win32: 'C:\\Users\\ada\\.copilot\\mcp-config.json',
  },
  windsurf: {
    darwin: '/Users/ada/.codeium/windsurf/mcp_config.json',
    linux: '/home/ada/.codeium/windsurf/mcp_config.json',
    win32: 'C:\\Users\\ada\\.codeium\\windsurf\\mcp_config.json',
  },
  zed: {
    darwin: '/Users/ada/.config/zed/settings.json',
    linux: '/home/ada/.config/zed/settings.json',
    win32: `${roaming}\\Zed\\settings.json`,
  },
  cline: {
    darwin: '/Users/ada/.cline/data/settings/cline_mcp_settings.json',
    linux: '/home/ada/.cline/data/settings/cline_mcp_settings.json',
    win32: 'C:\\Users\\ada\\.cline\\data\\settings\\cline_mcp_settings.json',
  },
  continue: {
    darwin: '/Users/ada/.continue/config.yaml',
    linux: '/home/ada/.continue/config.yaml',
    win32: 'C:\\Users\\ada\\.continue\\config.yaml',
  },
  'gemini-cli': {
    darwin: '/Users/ada/.gemini/settings.json',
    linux: '/home/ada/.gemini/settings.json',
    win32: 'C:\\Users\\ada\\.gemini\\settings.json',
  },
  antigravity: {
    darwin: '/Users/ada/.gemini/config/mcp_config.json',
    linux: '/home/ada/.gemini/config/mcp_config.json',
    win32: 'C:\\Users\\ada\\.gemini\\config\\mcp_config.json',
  },
  codex: {
    darwin: '/Users/ada/.codex/config.toml',
    linux: '/home/ada/.codex/config.toml',
    win32: 'C:\\Users\\ada\\.codex\\config.toml',
  },
  opencode: {
    darwin: '/Users/ada/.config/opencode/opencode.jsonc',
    linux: '/home/ada/.config/opencode/opencode.jsonc',
    win32: 'C:\\Users\\ada\\.config\\opencode\\opencode.jsonc',
  },
  goose: {
    darwin: '/Users/ada/.config/goose/config.yaml',
    linux: '/home/ada/.config/goose/config.yaml',
    win32: `${roaming}\\Block\\goose\\config\\config.yaml`,
  },
  'lm-studio': {
    darwin: '/Users/ada/.lmstudio/mcp.json',
    linux: '/home/ada/.lmstudio/mcp.json',
    win32: 'C:\\Users\\ada\\.lmstudio\\mcp.json',
  },
  junie: {
    darwin: '/Users/ada/.junie/mcp/mcp.json',
    linux: '/home/ada/.junie/mcp/mcp.json',
    win32: 'C:\\Users\\ada\\.junie\\mcp\\mcp.json',
  },
  'jetbrains-copilot': {
    darwin: '/Users/ada/.config/github-copilot/intellij/mcp.json',
    linux: '/home/ada/.config/github-copilot/intellij/mcp.json',
    win32: `${local}\\github-copilot\\intellij\\mcp.json`,
  },
  kiro: {
    darwin: '/Users/ada/.kiro/settings/mcp.json',
    linux: '/home/ada/.kiro/settings/mcp.json',
    win32: 'C:\\Users\\ada\\.kiro\\settings\\mcp.json',
  },
  amp: {
    darwin: '/Users/ada/.config/amp/settings.json',
    linux: '/home/ada/.config/amp/settings.json',
    win32: `${roaming}\\amp\\settings.json`,
  },
}

describe('the table of client apps', () => {
  it('has every app once', () => {
    expect(clientApps.map(({ id }) => id).sort()).toEqual([...ClientAppId.options].sort())
  })

  it('names what it does not know', () => {
    expect(() => clientApp('emacs')).toThrow(
      expect.objectContaining({ code: 'clients.unknown', detail: 'emacs' }),
    )
  })

  it.each(
    ClientAppId.options.flatMap((id) =>
      (['darwin', 'linux', 'win32'] as const).map((platform) => [id, platform, paths[id][platform]] as const),
    ),
  )('writes a new file of %s on %s to %s', (id, platform, path) => {
    expect(fileOf(id, platform)).toBe(path)
  })

  it.each(clientApps)('sees that $name is installed by what it leaves behind, and not without', (app) => {
    for (const platform of ['darwin', 'linux', 'win32'] as const) {
      expect(isInstalled(app, machineWith(platform))).toBe(false)
      const [trace = ''] = app.traces(machineWith(platform)).slice(-1)
      const separator = platform === 'win32' ? '\\' : '/'
      expect(isInstalled(app, machineWith(platform, [`${trace}${separator}anything`]))).toBe(true)
    }
  })
})

describe('where settings are, when several places could be', () => {
  const packaged = `${local}\\Packages\\Claude_pzs8sxrjxfjjc\\LocalCache\\Roaming\\Claude`

  it('is the folder of the packaged build of Claude Desktop on Windows, with or without a file', () => {
    const plain = `${roaming}\\Claude\\claude_desktop_config.json`
    const inside = `${packaged}\\claude_desktop_config.json`
    expect(fileOf('claude-desktop', 'win32', [`${packaged}\\logs\\main.log`])).toBe(inside)
    expect(fileOf('claude-desktop', 'win32', [inside, plain])).toBe(inside)
    expect(fileOf('claude-desktop', 'win32', [plain])).toBe(plain)
    expect(fileOf('claude-desktop', 'win32', [`${local}\\Packages\\Other_x\\LocalCache\\x`])).toBe(plain)
  })

  it('keeps to a file of Claude Desktop that exists, rather than to a folder that does', () => {
    const plain = `${roaming}\\Claude\\claude_desktop_config.json`
    // An installation left from before the packaged one reads its own file only if the packaged one has none.
    expect(fileOf('claude-desktop', 'win32', [plain, `${local}\\Packages\\Claude_x\\Settings\\s.dat`])).toBe(
      plain,
    )
  })

  it('prefers the commented file of opencode, as opencode does', () => {
    const folder = '/home/ada/.config/opencode'
    expect(fileOf('opencode', 'linux', [`${folder}/opencode.json`])).toBe(`${folder}/opencode.json`)
    expect(fileOf('opencode', 'linux', [`${folder}/opencode.json`, `${folder}/opencode.jsonc`])).toBe(
      `${folder}/opencode.jsonc`,
    )
  })

  it('prefers the shared file of Cline and falls back to that of older extensions', () => {
    const extension =
      '/home/ada/.config/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json'
    const shared = '/home/ada/.cline/data/settings/cline_mcp_settings.json'
    expect(fileOf('cline', 'linux', [extension])).toBe(extension)
    expect(fileOf('cline', 'linux', [extension, shared])).toBe(shared)
    expect(fileOf('cline', 'linux', [], { CLINE_DATA_DIR: '/data/cline' })).toBe(
      '/data/cline/settings/cline_mcp_settings.json',
    )
    expect(fileOf('cline', 'linux', [], { CLINE_MCP_SETTINGS_PATH: '/data/servers.json' })).toBe(
      '/data/servers.json',
    )
  })

  it('is the older file of Antigravity and LM Studio where only that is there', () => {
    const older = '/home/ada/.gemini/antigravity/mcp_config.json'
    expect(fileOf('antigravity', 'linux', [older])).toBe(older)
    expect(fileOf('antigravity', 'linux', ['/home/ada/.gemini/antigravity/brain/x'])).toBe(older)
    expect(fileOf('antigravity', 'linux', [older, '/home/ada/.gemini/config/mcp_config.json'])).toBe(
      '/home/ada/.gemini/config/mcp_config.json',
    )
    expect(fileOf('lm-studio', 'linux', ['/home/ada/.cache/lm-studio/mcp.json'])).toBe(
      '/home/ada/.cache/lm-studio/mcp.json',
    )
  })

  it('refuses a file for Continue that would hide the one in use', () => {
    expect(() => fileOf('continue', 'linux', ['/home/ada/.continue/config.json'])).toThrow(
      expect.objectContaining({ code: 'clients.file_unsupported' }),
    )
    const both = ['/home/ada/.continue/config.json', '/home/ada/.continue/config.yaml']
    expect(fileOf('continue', 'linux', both)).toBe('/home/ada/.continue/config.yaml')
  })

  it.each([
    ['claude-code', 'CLAUDE_CONFIG_DIR', '/srv/x/.claude.json'],
    ['copilot-cli', 'COPILOT_HOME', '/srv/x/mcp-config.json'],
    ['codex', 'CODEX_HOME', '/srv/x/config.toml'],
    ['gemini-cli', 'GEMINI_CLI_HOME', '/srv/x/.gemini/settings.json'],
    ['goose', 'GOOSE_PATH_ROOT', '/srv/x/config/config.yaml'],
    ['continue', 'CONTINUE_GLOBAL_DIR', '/srv/x/config.yaml'],
    ['zed', 'XDG_CONFIG_HOME', '/srv/x/zed/settings.json'],
    ['vscode', 'XDG_CONFIG_HOME', '/srv/x/Code/User/mcp.json'],
  ] as const)('of %s follows %s when it is an absolute path', (id, variable, path) => {
    expect(fileOf(id, 'linux', [], { [variable]: '/srv/x' })).toBe(path)
    expect(fileOf(id, 'linux', [], { [variable]: 'relative' })).toBe(paths[id].linux)
    expect(fileOf(id, 'linux', [], { [variable]: '' })).toBe(paths[id].linux)
  })

  it('of Zed on macOS is below ~/.config whatever the environment says', () => {
    expect(fileOf('zed', 'darwin', [], { XDG_CONFIG_HOME: '/srv/x' })).toBe(
      '/Users/ada/.config/zed/settings.json',
    )
  })

  it.each([
    ['claude-code', '.mcp.json'],
    ['cursor', '.cursor/mcp.json'],
    ['vscode', '.vscode/mcp.json'],
    ['copilot-cli', '.github/mcp.json'],
    ['zed', '.zed/settings.json'],
    ['continue', '.continue/mcpServers/bridgekeeper.yaml'],
    ['gemini-cli', '.gemini/settings.json'],
    ['codex', '.codex/config.toml'],
    ['opencode', 'opencode.jsonc'],
    ['junie', '.junie/mcp/mcp.json'],
    ['kiro', '.kiro/settings/mcp.json'],
    ['amp', '.amp/settings.json'],
  ] as const)('of a project for %s is %s', (id, path) => {
    const machine = machineWith('linux')
    expect(chooseFile(candidatesOf(clientApp(id), machine, '/src/engine'), machine)).toBe(
      `/src/engine/${path}`,
    )
  })

  it('is refused for a project when the app has none', () => {
    expect(() => candidatesOf(clientApp('claude-desktop'), machineWith('linux'), '/src/engine')).toThrow(
      expect.objectContaining({ code: 'clients.no_project_file' }),
    )
  })
})
