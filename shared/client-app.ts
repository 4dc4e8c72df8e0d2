import { z } from 'zod'
import { ConnectionId } from './connection.ts'
import { Failure } from './errors.ts'

/** The client apps that Bridgekeeper can be added to. */
export const ClientAppId = z.enum([
  'claude-desktop',
  'claude-code',
  'cursor',
  'vscode',
  'vscode-insiders',
  'copilot-cli',
  'windsurf',
  'zed',
  'cline',
  'continue',
  'gemini-cli',
  'antigravity',
  'codex',
  'opencode',
  'goose',
  'lm-studio',
  'junie',
  'jetbrains-copilot',
  'kiro',
  'amp',
])
export type ClientAppId = z.infer<typeof ClientAppId>

/**
 * A server that a client app is set up with. `bridge`: it is ours; `remote`: a remote server by its address;
 * `wrapper`: a remote server behind `mcp-remote` or a package like it; `local`: a program on this machine.
 */
export const ClientEntry = z.strictObject({
  name: z.string(),
  kind: z.enum(['bridge', 'remote', 'wrapper', 'local', 'unknown']),
  enabled: z.boolean(),
  connection: ConnectionId.optional().describe('of an entry of ours for one connection'),
  address: z.string().optional().describe('of a remote server, without anything secret'),
  plainSecrets: z.int().describe('how many tokens and keys the entry holds in plain text'),
  trouble: z
    .enum(['outdated', 'no-connection'])
    .optional()
    .describe('of an entry of ours: the address, key or shim in it is not the present one, or leads nowhere'),
})
export type ClientEntry = z.infer<typeof ClientEntry>

/** A settings file of a client app that exists, or why it cannot be read. */
export const ClientFile = z.strictObject({
  path: z.string(),
  scope: z.enum(['user', 'project']),
  entries: z.array(ClientEntry),
  failure: Failure.optional(),
})
export type ClientFile = z.infer<typeof ClientFile>

/** A client app as every face sees it. */
export const ClientAppState = z.strictObject({
  id: ClientAppId,
  name: z.string(),
  installed: z.boolean(),
  speaks: z.enum(['http', 'stdio']),
  files: z.array(ClientFile),
  restart: z.string().optional().describe('what the person does for a change to take effect'),
})
export type ClientAppState = z.infer<typeof ClientAppState>

/** What would be done to one file. The difference is in unified form and shows nothing secret. */
export const ClientChange = z.strictObject({
  path: z.string(),
  does: z.enum(['create', 'change', 'delete']),
  difference: z.string(),
})
export type ClientChange = z.infer<typeof ClientChange>

/** What would be done for a client app, for a person to look at before it is. Nothing secret is in it. */
export const ClientPlan = z.strictObject({
  app: ClientAppId.optional(),
  changes: z.array(ClientChange),
  commands: z
    .array(z.array(z.string()))
    .describe("commands of the client app's own, as programs and arguments"),
  notes: z.array(z.string()),
})
export type ClientPlan = z.infer<typeof ClientPlan>

/** A remote server of a client app that could become a connection. Nothing secret is in it. */
export const ClientImport = z.strictObject({
  app: ClientAppId,
  path: z.string(),
  name: z.string().describe('of the entry in the file'),
  as: z.enum(['remote', 'mcp-remote', 'package']),
  address: z.string().optional(),
  connection: ConnectionId.optional().describe('the id that the connection would have, or has'),
  exists: z.boolean().describe('there is such a connection already'),
  auth: z.enum(['sign-in', 'bearer', 'headers']),
  needs: z.array(z.string()).describe('headers whose values are not in the file'),
  denyTools: z.array(z.string()).describe('patterns of tools that the entry hides'),
  notes: z.array(z.string()),
  plainSecrets: z
    .array(z.string())
    .describe('where the entry holds secrets in plain text, never what they are'),
  tokenFiles: z.array(z.string()).describe('files of mcp-remote with tokens of this server'),
  failure: Failure.optional().describe('why it cannot be taken over'),
})
export type ClientImport = z.infer<typeof ClientImport>

/** A change that can be undone. */
export const ClientUndo = z.strictObject({
  id: z.string(),
  app: ClientAppId.optional(),
  at: z.number().describe('milliseconds since the epoch'),
  paths: z.array(z.string()),
})
export type ClientUndo = z.infer<typeof ClientUndo>
