import type { Interaction, InteractionResults, Provider } from 'oidc-provider'
import { consentPage, errorPage, loginPage } from './consent-pages.ts'
import { sendHtml, type Exchange } from './loopback.ts'
import { interactionPath } from './provider-configuration.ts'

/** What a sign-in asks for, as the deciding person sees it. */
interface ConsentRequest {
  readonly clientId: string
  readonly account: string
  readonly resources: readonly string[]
  readonly scopes: readonly string[]
}

/** The scopes that are allowed, or `deny`. */
export type Decide = (request: ConsentRequest) => readonly string[] | 'deny'

/** Allows everything that is asked. */
export const allowAll: Decide = ({ scopes }) => scopes

export interface ConsentOptions {
  readonly account: string
  /** `automatic` redirects at once as `decide` says; `pages` shows HTML with Allow and Deny. */
  readonly approval: 'automatic' | 'pages'
  readonly decide: Decide
}

/** Serves the steps between the authorization request and its answer: who it is, and what is allowed. */
export async function serveConsent(
  provider: Provider,
  exchange: Exchange,
  { account, approval, decide }: ConsentOptions,
): Promise<boolean> {
  const { req, res, url, body } = exchange
  if (!url.pathname.startsWith(interactionPath)) return false
  const interaction = await provider.interactionDetails(req, res).catch(() => undefined)
  if (!interaction) {
    sendHtml(res, 400, errorPage('expired', 'This sign-in is over, or was started in another browser.'))
    return true
  }
  const question = questionOf(interaction, account)
  const login = interaction.prompt.name === 'login'
  if (approval === 'pages' && req.method !== 'POST') {
    const client = await provider.Client.find(question.clientId)
    const name = client?.clientName ?? question.clientId
    sendHtml(
      res,
      200,
      login
        ? loginPage(account)
        : consentPage({ ...question, client: name, resource: question.resources[0] }),
    )
    return true
  }
  const pressed = new URLSearchParams(body.toString()).get('decision')
  const decision = approval === 'pages' ? (pressed === 'allow' ? question.scopes : 'deny') : decide(question)
  const result =
    login && decision !== 'deny'
      ? { login: { accountId: account } }
      : await answer(provider, interaction, decision)
  await provider.interactionFinished(req, res, result, { mergeWithLastSubmission: !login })
  return true
}

function questionOf({ params }: Interaction, account: string): ConsentRequest {
  return {
    clientId: String(params.client_id),
    account,
    resources: [params.resource ?? []].flat().map(String),
    scopes: typeof params.scope === 'string' ? params.scope.split(' ') : [],
  }
}

async function answer(
  provider: Provider,
  interaction: Interaction,
  decision: readonly string[] | 'deny',
): Promise<InteractionResults> {
  if (decision === 'deny') {
    return { error: 'access_denied', error_description: 'the person pressed Deny' }
  }
  const known = interaction.grantId === undefined ? undefined : await provider.Grant.find(interaction.grantId)
  const { accountId } = interaction.session ?? {}
  const clientId = String(interaction.params.client_id)
  const grant = known ?? new provider.Grant({ clientId, ...(accountId === undefined ? {} : { accountId }) })
  const { missingOIDCScope, missingResourceScopes } = interaction.prompt.details as {
    missingOIDCScope?: string[]
    missingResourceScopes?: Record<string, string[]>
  }
  const allowed = (scope: string): boolean => decision.includes(scope)
  const split = (scopes: readonly string[]): [string, string] => [
    scopes.filter(allowed).join(' '),
    scopes.filter((scope) => !allowed(scope)).join(' '),
  ]
  const [granted, rejected] = split(missingOIDCScope ?? [])
  if (granted) grant.addOIDCScope(granted)
  if (rejected) grant.rejectOIDCScope(rejected)
  for (const [resource, scopes] of Object.entries(missingResourceScopes ?? {})) {
    const [yes, no] = split(scopes)
    if (yes) grant.addResourceScope(resource, yes)
    if (no) grant.rejectResourceScope(resource, no)
  }
  return { consent: { grantId: await grant.save() } }
}
