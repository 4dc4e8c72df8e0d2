/** What a consent page asks the account for. */
export interface ConsentQuestion {
  readonly client: string
  readonly account: string
  readonly resource: string | undefined
  readonly scopes: readonly string[]
}

/** Asks who signs in. Posts `decision=allow` back to its own address. */
export function loginPage(account: string): string {
  return page(
    'Sign in',
    `<p class="lead">This is a demonstration: one account, no password.</p>
     <form method="post">
       <button name="decision" value="allow" class="primary">Sign in as ${escape(account)}</button>
     </form>`,
  )
}

/** Asks for consent. Posts `decision=allow` or `decision=deny` back to its own address. */
export function consentPage({ client, account, resource, scopes }: ConsentQuestion): string {
  const items = scopes.map((scope) => `<li><code>${escape(scope)}</code></li>`).join('')
  return page(
    `${client} wants access`,
    `<p class="lead">Signed in as <strong>${escape(account)}</strong>.</p>
     ${resource === undefined ? '' : `<p>Server<br><code>${escape(resource)}</code></p>`}
     <p>It asks for</p><ul>${items || '<li>nothing in particular</li>'}</ul>
     <form method="post">
       <button name="decision" value="allow" class="primary">Allow</button>
       <button name="decision" value="deny">Deny</button>
     </form>`,
  )
}

/** An error that has nowhere to redirect to. */
export function errorPage(error: string, description: string | undefined): string {
  return page(
    'This did not work',
    `<p class="lead"><code>${escape(error)}</code></p><p>${escape(description ?? '')}</p>`,
  )
}

function escape(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`)
}

function page(title: string, content: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title>
<style>
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
  body { display: grid; place-items: center; min-height: 100vh; margin: 0; background: Canvas; color: CanvasText; }
  main { width: min(26rem, 100% - 3rem); padding: 2rem; border: 1px solid color-mix(in srgb, CanvasText 18%, Canvas); border-radius: 14px; }
  h1 { margin: 0 0 .5rem; font-size: 1.35rem; }
  .lead { margin-top: 0; color: color-mix(in srgb, CanvasText 70%, Canvas); }
  ul { padding-left: 1.2rem; }
  code { overflow-wrap: anywhere; font-size: .92em; }
  form { display: flex; gap: .75rem; margin-top: 1.5rem; }
  button { flex: 1; padding: .65rem 1rem; border: 1px solid color-mix(in srgb, CanvasText 25%, Canvas); border-radius: 9px; background: none; color: inherit; font: inherit; cursor: pointer; }
  button.primary { border-color: #2453d6; background: #2453d6; color: #fff; }
  button:focus-visible { outline: 3px solid #7aa2ff; outline-offset: 2px; }
</style>
</head>
<body><main><h1>${escape(title)}</h1>${content}</main></body>
</html>`
}
