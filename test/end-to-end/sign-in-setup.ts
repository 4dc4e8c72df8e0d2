import type { Clock } from '../../bridge/ports.ts'
import type { Connection, Trace } from '../../shared/connection.ts'
import type { SignInEvent } from '../../shared/events.ts'
import type { BridgeUnderTest, BridgeUnderTestOptions } from '../support/bridge-under-test.ts'
import { startBridge } from '../support/bridge-under-test.ts'
import { startMcpServer, type McpServerOptions, type McpServerUnderTest } from '../support/mcp-server.ts'
import type { ResourceProtection } from '../support/resource-protection.ts'
import { paramsOf } from '../support/seen.ts'
import {
  startStrictAuthorizationServer,
  type StrictAuthorizationServer,
  type StrictAuthorizationServerOptions,
} from '../support/strict-authorization-server.ts'
import { createBehaviour, type StrictBehaviour } from '../support/strict/behaviour.ts'
import { closing, type Scene } from './scene.ts'

/** The signal of a face that stays. */
export function staying(): AbortSignal {
  return new AbortController().signal
}

/** A strict authorization server, a server that it protects as `protection` says, and a bridge. */
export async function setSignInScene(
  options: {
    authorization?: StrictAuthorizationServerOptions
    server?: Omit<McpServerOptions, 'auth'>
    protection?: Partial<ResourceProtection>
    bridge?: BridgeUnderTestOptions
  } = {},
): Promise<Scene> {
  const authorization = closing(await startStrictAuthorizationServer(options.authorization))
  const server = await protectedBy(authorization, options.protection, options.server)
  const bridge = closing(await startBridge(options.bridge))
  return { authorization, server, bridge }
}

/** An MCP server whose metadata names this authorization server. */
export async function protectedBy(
  { issuer, verify }: StrictAuthorizationServer,
  protection: Partial<ResourceProtection> = {},
  server: Omit<McpServerOptions, 'auth'> = {},
): Promise<McpServerUnderTest> {
  const auth = { authorizationServers: [issuer], verify, challengeScopes: ['read:issues'], ...protection }
  return closing(await startMcpServer({ ...server, auth }))
}

/** The behaviour of a server that changes what it sends at the last moment. */
export function reshaping(changes: Partial<StrictBehaviour['reshape']>): Pick<StrictBehaviour, 'reshape'> {
  return { reshape: { ...createBehaviour().reshape, ...changes } }
}

/** A sign-in whose page is known and which waits for the browser. */
export interface WaitingSignIn {
  /** The authorization request. */
  readonly page: URL
  /** Whether the browser was opened with it. */
  readonly opened: boolean
  /** The last event of the sign-in; undefined when its face went away before. */
  readonly ended: Promise<SignInEvent | undefined>
}

/** Starts a sign-in, by default without a browser, and waits until its page is known. Throws when it ends before. */
export async function beginSignIn(
  { control }: BridgeUnderTest,
  id: string,
  options: { scopes?: string[]; openBrowser?: boolean; signal?: AbortSignal } = {},
): Promise<WaitingSignIn> {
  const { scopes, openBrowser = false, signal = staying() } = options
  const input = { id: id as never, openBrowser, ...(scopes ? { scopes } : {}) }
  const events = control.connections.signIn(input, signal)[Symbol.asyncIterator]()
  const first = (await events.next()).value as SignInEvent
  if (first.event !== 'authorize') throw new Error(`the sign-in ended with ${JSON.stringify(first)}`)
  const ended = events.next().then(({ value }) => value as SignInEvent | undefined)
  return { page: new URL(first.url), opened: first.opened, ended }
}

/** How a sign-in ended: `connected`, the code of its failure, or `nothing` for a face that went away. */
export async function outcomeOf(
  ending: Promise<SignInEvent | undefined> | Promise<SignInEvent[]>,
): Promise<string> {
  const last = [await ending].flat().at(-1)
  return last?.event === 'failed' ? last.code : (last?.event ?? 'nothing')
}

/** The address at which a browser would end that allowed it: with a code of the authorization server. */
export async function callbackFor(page: URL): Promise<URL> {
  const response = await fetch(page, { redirect: 'manual' })
  const location = response.headers.get('location')
  if (location === null) throw new Error(`the page did not lead back: status ${response.status}`)
  return new URL(location)
}

/** The parameters of every authorization request so far. */
export function authorizationRequests({ loopback, issuer }: StrictAuthorizationServer): URLSearchParams[] {
  return loopback.requestsOf(`${pathOf(issuer)}/authorize`).map(paramsOf)
}

/** The parameters of every token request so far. */
export function tokenRequests({ loopback, issuer }: StrictAuthorizationServer): URLSearchParams[] {
  return loopback.requestsOf(`${pathOf(issuer)}/token`).map(paramsOf)
}

function pathOf(issuer: string): string {
  return new URL(issuer).pathname.replace(/\/$/, '')
}

export async function viewOf({ control }: BridgeUnderTest, id: string): Promise<Connection> {
  return (await control.connections.get({ id: id as never }, staying())) as Connection
}

export async function traceOf({ control }: BridgeUnderTest, id: string): Promise<Trace> {
  return (await control.connections.trace({ id: id as never }, staying())) as Trace
}

/** A clock that stands still until the test moves it; what is due then runs at once. */
export function createHandClock(): Clock & { pass(ms: number): void; waiting(): number } {
  let time = Date.now()
  const waiting = new Set<{ at: number; run: () => void }>()
  return {
    now: () => time,
    after(ms, run) {
      const timer = { at: time + ms, run }
      waiting.add(timer)
      return () => void waiting.delete(timer)
    },
    waiting: () => waiting.size,
    pass(ms) {
      time += ms
      for (const timer of waiting) {
        if (timer.at > time || !waiting.delete(timer)) continue
        timer.run()
      }
    },
  }
}
