import { z } from 'zod'
import { ClientAppId, ClientImport, ClientPlan } from './client-app.ts'
import { ConnectionId } from './connection.ts'
import { Failure } from './errors.ts'

/** The variables by which client apps find their settings. PATH is not among them: a face does not choose what runs. */
export const clientVariables = [
  'APPDATA',
  'CLAUDE_CONFIG_DIR',
  'CLINE_DATA_DIR',
  'CLINE_DIR',
  'CLINE_MCP_SETTINGS_PATH',
  'CODEX_HOME',
  'CONTINUE_GLOBAL_DIR',
  'COPILOT_HOME',
  'GEMINI_CLI_HOME',
  'GOOSE_PATH_ROOT',
  'LOCALAPPDATA',
  'MCP_REMOTE_CONFIG_DIR',
  'XDG_CONFIG_HOME',
] as const

const path = z.string().min(1).max(4096)

/**
 * Where the person of a face has settings. A bridge that was started by a client app has that app's home and variables, so a
 * face that knows better says so; what it leaves out is the bridge's own.
 */
export const ClientPlace = z.strictObject({
  project: path
    .optional()
    .describe('the absolute folder of a project, to change its settings and not the person’s'),
  home: path.optional(),
  env: z.partialRecord(z.enum(clientVariables), path).optional().describe('all of them that are set'),
})
export type ClientPlace = z.infer<typeof ClientPlace>

/** Connections by id, each with an entry of its own; or `all`, now and later, with one entry. */
const Connections = z.union([z.literal('all'), z.array(ConnectionId).min(1).max(200)])

/** A change of client apps as a person wants it. What it means for the files is the plan. */
export const ClientWish = z.discriminatedUnion('does', [
  /** Adds entries, or brings those of the same connections up to date. */
  z.strictObject({ does: z.literal('add'), app: ClientAppId, connections: Connections }),
  /** Removes entries of ours; `all` means every one, those whose connection is gone too. */
  z.strictObject({ does: z.literal('remove'), app: ClientAppId, connections: Connections }),
  /** Points an entry of another's at a connection that works, with the tokens in it gone. */
  z.strictObject({
    does: z.literal('take-over'),
    app: ClientAppId,
    path,
    name: z.string().min(1).max(500),
    connection: ConnectionId,
  }),
  /** Deletes files of `mcp-remote` that `importable` has shown. */
  z.strictObject({ does: z.literal('clean-up'), files: z.array(path).min(1).max(1000) }),
  /** Takes a change back, the latest by default. */
  z.strictObject({ does: z.literal('undo'), id: z.string().max(100).optional() }),
])
export type ClientWish = z.infer<typeof ClientWish>

/** What a wish would do, under a digest by which it can be asked for. It does nothing when changes and commands are empty. */
export const ClientPreview = z.strictObject({
  ...ClientPlan.shape,
  digest: z.string().max(100).describe('of the whole change; it says nothing about what is in the files'),
})
export type ClientPreview = z.infer<typeof ClientPreview>

/** What a rotation of a client key did. The old key is refused from now on, whatever became of the files. */
export const ClientRotation = z.strictObject({
  ...ClientPlan.shape,
  failure: Failure.optional().describe('why the entries of the app could not be brought up to date'),
})
export type ClientRotation = z.infer<typeof ClientRotation>

/** What could be taken over from client apps, and what lies around besides. */
export const ClientImports = z.strictObject({
  servers: z.array(ClientImport),
  leftOver: z.array(z.string()).describe('files of mcp-remote of servers that no entry names'),
  unreadable: z.array(z.strictObject({ path: z.string(), failure: Failure })),
})
export type ClientImports = z.infer<typeof ClientImports>
