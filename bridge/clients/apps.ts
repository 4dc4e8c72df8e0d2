import type { ClientAppId } from '../../shared/client-app.ts'
import { BridgeError } from '../../shared/errors.ts'
import type { ClientApp } from './app.ts'
import { amp } from './apps/amp.ts'
import { antigravity } from './apps/antigravity.ts'
import { claudeCode } from './apps/claude-code.ts'
import { claudeDesktop } from './apps/claude-desktop.ts'
import { cline } from './apps/cline.ts'
import { codex } from './apps/codex.ts'
import { continueDev } from './apps/continue.ts'
import { copilotCli } from './apps/copilot-cli.ts'
import { cursor } from './apps/cursor.ts'
import { geminiCli } from './apps/gemini-cli.ts'
import { goose } from './apps/goose.ts'
import { jetbrainsCopilot } from './apps/jetbrains-copilot.ts'
import { junie } from './apps/junie.ts'
import { kiro } from './apps/kiro.ts'
import { lmStudio } from './apps/lm-studio.ts'
import { opencode } from './apps/opencode.ts'
import { vscode, vscodeInsiders } from './apps/vscode.ts'
import { windsurf } from './apps/windsurf.ts'
import { zed } from './apps/zed.ts'

const byId: Readonly<Record<ClientAppId, ClientApp>> = {
  'claude-desktop': claudeDesktop,
  'claude-code': claudeCode,
  cursor,
  vscode,
  'vscode-insiders': vscodeInsiders,
  'copilot-cli': copilotCli,
  windsurf,
  zed,
  cline,
  continue: continueDev,
  'gemini-cli': geminiCli,
  antigravity,
  codex,
  opencode,
  goose,
  'lm-studio': lmStudio,
  junie,
  'jetbrains-copilot': jetbrainsCopilot,
  kiro,
  amp,
}

/** The table of client apps, in the order in which they are shown. */
export const clientApps: readonly ClientApp[] = Object.values(byId)

/** The client app with this id. Throws `clients.unknown`. */
export function clientApp(id: string): ClientApp {
  const app = clientApps.find((app) => app.id === id)
  if (!app) throw new BridgeError('clients.unknown', id.slice(0, 60))
  return app
}
