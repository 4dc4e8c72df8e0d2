type Answer = (request: Request) => Response | Promise<Response>
type PermissionHandler = NonNullable<Parameters<Electron.Session['setPermissionRequestHandler']>[0]>

type RequestFilter = (details: { url: string }, decide: (response: { cancel?: boolean }) => void) => void

/** Where a partition's pages come from and what they may ask for. */
class Session {
  readonly schemes = new Map<string, Answer>()
  readonly protocol = {
    handle: (scheme: string, answer: Answer): void => {
      if (!privileged.has(scheme))
        throw new Error(`the scheme ${scheme} was not declared before the app was ready`)
      this.schemes.set(scheme, answer)
    },
  }
  #mayAsk: PermissionHandler | undefined

  setPermissionRequestHandler(handler: PermissionHandler | null): void {
    this.#mayAsk = handler ?? undefined
  }
  readonly webRequest = {
    onBeforeRequest: (decide: RequestFilter): void => void (this.#mayFetch = decide),
  }
  #mayFetch: RequestFilter = (_, decide) => decide({})

  /** Whether a request may be made at all. */
  lets(url: string): Promise<boolean> {
    return new Promise((resolve) => this.#mayFetch({ url }, ({ cancel = false }) => resolve(!cancel)))
  }

  setPermissionCheckHandler(): void {}
  setDevicePermissionHandler(): void {}

  /** Whether a page is given a permission. Without a handler Electron gives them all. */
  gives(contents: Electron.WebContents, permission: Parameters<PermissionHandler>[1]): Promise<boolean> {
    const handler = this.#mayAsk
    if (!handler) return Promise.resolve(true)
    return new Promise((resolve) => handler(contents, permission, resolve, {} as never))
  }
}

const privileged = new Set<string>()
const sessions = new Map<string, Session>()

export const protocol = {
  registerSchemesAsPrivileged(schemes: Electron.CustomScheme[]): void {
    for (const { scheme } of schemes) privileged.add(scheme)
  },
}

export function sessionOf(partition: string): Session {
  const found = sessions.get(partition) ?? new Session()
  sessions.set(partition, found)
  return found
}

export const session = { fromPartition: sessionOf }
