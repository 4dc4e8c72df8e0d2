import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Failure } from '../../shared/errors.ts'
import { answerFailure } from '../gateway/failure-answer.ts'
import type { Log } from '../ports.ts'
import { documentHeaders, pageFileAt, pagePath, readPageFiles, type PageFile } from './files.ts'
import type { Visits } from './visits.ts'

const entryPath = `${pagePath}enter`
/** Where the page reaches the control API. */
export const pageApiPath = '/ui/api'

/** The name of the cookie, and of the header field with the secret beside it. */
const pageCookie = 'bridgekeeper-page'
const pageSecretHeader = 'x-bridgekeeper-page'

/** What the page needs from the bridge around it. */
export interface PageOptions {
  readonly visits: Visits
  /** The folder of the built page. */
  readonly folder: string
  /** The control API below `pageApiPath`, loaded with the first request. */
  readonly loadApi: () => Promise<RequestListener>
  readonly log: Log
}

/** The window's page, for a browser: the same as in the tray app, over HTTP. */
export interface Page {
  /** Answers everything below `pagePath`. The Host rule has been kept to. */
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>
  /** The address that lets one browser in, once, below `origin`. */
  invitation(origin: string): URL
}

/** Puts the page's server together. Its files are read with the first request. */
export function createPage({ visits, folder, loadApi, log }: PageOptions): Page {
  let files: Promise<ReadonlyMap<string, PageFile>> | undefined
  let api: Promise<RequestListener> | undefined

  async function serveApi(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refused = apiRefusal(request, visits)
    if (refused) return refuse(request, response, refused)
    api ??= loadApi()
    const listen = await api
    listen(request, response)
  }

  async function serveFile(path: string, response: ServerResponse): Promise<void> {
    files ??= readPageFiles(folder)
    let known: ReadonlyMap<string, PageFile>
    try {
      known = await files
    } catch {
      files = undefined
      log.error('the page cannot be read')
      return answerFailure(response, { code: 'page.missing' })
    }
    const file = pageFileAt(known, path)
    if (!file) return answerFailure(response, { code: 'gateway.not_found' })
    const cache = file.isImmutable ? 'max-age=31536000, immutable' : 'no-store'
    response.writeHead(200, { ...documentHeaders, 'content-type': file.type, 'cache-control': cache })
    response.end(file.body)
  }

  function enter(url: URL, response: ServerResponse): void {
    const admission = visits.enter(url.searchParams.get('once') ?? '')
    const headers = { 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' }
    if (!admission) return void response.writeHead(303, { ...headers, location: `${pagePath}#refused` }).end()
    const cookie = `${pageCookie}=${admission.cookie}; Path=${pagePath}; HttpOnly; SameSite=Strict`
    // A fragment is sent to nobody. The page takes the secret out of the address at once.
    const location = `${pagePath}#${admission.secret}`
    response.writeHead(303, { ...headers, 'set-cookie': cookie, location }).end()
  }

  return {
    async handle(request, response) {
      const url = new URL(request.url ?? '', 'http://127.0.0.1')
      if (url.pathname.startsWith(`${pageApiPath}/`)) return await serveApi(request, response)
      if (request.method !== 'GET') return refuse(request, response, { code: 'gateway.method_refused' })
      if (url.pathname === entryPath) return enter(url, response)
      if (!url.pathname.startsWith(pagePath)) return answerFailure(response, { code: 'gateway.not_found' })
      await serveFile(url.pathname, response)
    },
    invitation: (origin) => new URL(`${entryPath}?once=${visits.invite()}`, origin),
  }
}

/**
 * Why a request for the control API is refused. A page of another origin can make a browser send the cookie at most where SameSite is not
 * kept; it cannot send the header field, nor hide where it comes from.
 */
function apiRefusal({ method, headers }: IncomingMessage, visits: Visits): Failure | undefined {
  const { host, origin, 'sec-fetch-site': site } = headers
  if (method !== 'POST') return { code: 'gateway.method_refused' }
  if (origin !== `http://${host}` || (site !== undefined && site !== 'same-origin')) {
    return { code: 'gateway.origin_refused' }
  }
  const secret = headers[pageSecretHeader]
  const isIn = visits.admits(cookieOf(headers.cookie), typeof secret === 'string' ? secret : undefined)
  return isIn ? undefined : { code: 'page.not_admitted' }
}

function cookieOf(header: string | undefined): string | undefined {
  const prefix = `${pageCookie}=`
  const pairs = header?.split(';').map((pair) => pair.trim()) ?? []
  return pairs.find((pair) => pair.startsWith(prefix))?.slice(prefix.length)
}

function refuse(request: IncomingMessage, response: ServerResponse, failure: Failure): void {
  request.resume()
  answerFailure(response, failure)
}
