import { createHash } from 'node:crypto'
import type { ServerResponse } from 'node:http'

/** A page of ours in a person's browser. */
export interface Page {
  readonly status: number
  readonly title: string
  /** Whether it tells of something that did not work. */
  readonly isFailure?: boolean
  /** What is under the title, as HTML; what comes from elsewhere is in it by `escaped` alone. */
  readonly content: string
  /** Where its forms may lead, also by redirects; nowhere by default. */
  readonly formAction?: string
  readonly referrerPolicy?: 'same-origin'
  readonly allow?: string
}

const style = `
:root{color-scheme:light dark}
body{font:15px/1.5 system-ui,sans-serif;margin:0;min-height:100vh;display:grid;place-items:center;background:#f6f5f1;color:#1d1c1a}
main{max-width:26rem;padding:2rem}
h1{font-size:1.25rem;margin:0 0 .5rem}
h1::before{content:"";display:inline-block;width:.6em;height:.6em;border-radius:50%;margin-right:.5em;background:#126b58}
.failed h1::before{background:#9a5b00;border-radius:1px}
p{margin:0;color:#5d5a55}
form{margin-top:1rem}
button{font:inherit;font-weight:600;padding:.5rem 1.25rem;border:0;border-radius:.4rem;background:#126b58;color:#fff;cursor:pointer}
@media(prefers-color-scheme:dark){body{background:#1b1a18;color:#f0eee9}p{color:#a9a59e}}`

const styleHash = createHash('sha256').update(style).digest('base64')

/** Answers a request with a page. It runs no script, and is neither kept, framed nor told to others by its address. */
export function servePage(response: ServerResponse, page: Page): void {
  const { status, title, content, isFailure, formAction = "'none'", referrerPolicy, allow } = page
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    // Its address may hold a code or a ticket.
    'cache-control': 'no-store',
    'referrer-policy': referrerPolicy ?? 'no-referrer',
    'content-security-policy': `default-src 'none'; style-src 'sha256-${styleHash}'; frame-ancestors 'none'; base-uri 'none'; form-action ${formAction}`,
    'x-content-type-options': 'nosniff',
    ...(allow === undefined ? {} : { allow }),
  })
  response.end(
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${escaped(title)} - Bridgekeeper</title>` +
      `<meta name="viewport" content="width=device-width"><style>${style}</style></head>` +
      `<body><main${isFailure ? ' class="failed"' : ''}><h1>${escaped(title)}</h1>${content}</main></body></html>`,
  )
}

/** Text as HTML. */
export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`)
}
