import { describe, expect, it } from 'vitest'
import type { ClientAppId } from '../../../shared/client-app.ts'
import { clientApp } from '../../../bridge/clients/apps.ts'
import { viewPlan } from '../../../bridge/clients/plan.ts'
import { planCleanUp, planTakeOver } from '../../../bridge/clients/planning.ts'
import { afterOf, code, linear, pathOf, real, wanted } from './plan-fixtures.ts'

describe('taking over', () => {
  it.each<[ClientAppId, string, Record<string, unknown>]>([
    ['cursor', 'linear', {}],
    ['windsurf', 'figma', {}],
    ['cline', 'stripe', {}],
    ['gemini-cli', 'docs', { timeout: 5000, trust: false }],
    ['antigravity', 'supabase', { disabledTools: ['apply_migration'] }],
    ['jetbrains-copilot', 'github', {}],
    ['opencode', 'everything', {}],
    ['claude-desktop', 'sentry', {}],
    ['lm-studio', 'hf-mcp-server', {}],
  ])('in %s points %s at the bridge and keeps what else is set', (id, name, kept) => {
    const app = clientApp(id)
    const { target } = wanted(app, linear)
    const plan = planTakeOver(app, [{ path: pathOf(app), name, target }], real(app))
    const table = app.table.keys[0] ?? ''
    const parsed = JSON.parse(
      afterOf(plan)
        .replaceAll(/^\s*\/\/.*$| \/\/ .*$/gm, '')
        .replaceAll(/,(\s*[}\]])/g, '$1'),
    )
    expect(parsed[table][name]).toEqual({ ...app.fields(target, name), ...kept })
    expect(JSON.stringify(viewPlan(plan))).not.toMatch(/hf_0123|sbp-|stripe-access|github_pat_0/)
  })

  it('works in YAML and TOML, with the secrets gone', () => {
    const yaml = clientApp('continue')
    const config = afterOf(
      planTakeOver(
        yaml,
        [{ path: pathOf(yaml), name: 'Context7', target: wanted(yaml, linear).target }],
        real(yaml),
      ),
    )
    expect(config).toContain(
      '  # documentation\n  - name: Context7\n    type: streamable-http\n    url: http://127',
    )
    expect(config).not.toContain('ctx7sk')
    expect(config).not.toContain('requestOptions')
    const toml = clientApp('codex')
    const both = ['context7', 'figma-remote'].map((name) => ({
      path: pathOf(toml),
      name,
      target: wanted(toml, linear).target,
    }))
    const codex = afterOf(planTakeOver(toml, both, real(toml)))
    expect(codex).not.toMatch(/ctx7sk|FIGMA_TOKEN|npx/)
    expect(codex).toContain('startup_timeout_sec = 20.0')
    expect(codex).toContain('# documentation lookup\n[mcp_servers.context7]\n')
    expect(codex).toContain('[mcp_servers."figma-remote"]\nurl = "http://127.0.0.1:47330/')
  })

  it('says so when the entry is gone', () => {
    const app = clientApp('cursor')
    const { target } = wanted(app, linear)
    expect(() => planTakeOver(app, [{ path: pathOf(app), name: 'gone', target }], real(app))).toThrow(
      code('clients.not_importable'),
    )
  })
})

describe('cleaning up', () => {
  it('deletes the files of mcp-remote without a backup and without showing them', () => {
    const file = {
      path: '/home/ada/.mcp-auth/mcp-remote-v1/x_tokens.json',
      stored: 'x',
      kind: 'tokens' as const,
    }
    const record = {
      stored: 'x',
      files: [file, { ...file, path: '/gone' }],
      accessToken: undefined,
      refreshToken: undefined,
      clientId: undefined,
      clientSecret: undefined,
      issuer: undefined,
    }
    const plan = planCleanUp([record], (path) =>
      path === file.path ? '{"access_token":"PLANTED"}' : undefined,
    )
    expect(plan.changes).toMatchObject([{ path: file.path, after: undefined, keepsBackup: false }])
    const view = viewPlan(plan)
    expect(view.changes).toEqual([{ path: file.path, does: 'delete', difference: '' }])
    expect(view.notes.join(' ')).toContain('do not come back')
  })
})
