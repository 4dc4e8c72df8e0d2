type Answer = (request: Request) => Response | Promise<Response>
type PermissionHandler = (
  contents: unknown,
  permission: string,
  decide: (allowed: boolean) => void,
  details: unknown,
) => void

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
  setPermissionCheckHandler(): void {}
  setDevicePermissionHandler(): void {}

  /** Whether a page is given a permission. Without a handler Electron gives them all. */
  gives(contents: unknown, permission: string): Promise<boolean> {
    const handler = this.#mayAsk
    if (!handler) return Promise.resolve(true)
    return new Promise((resolve) => handler(contents, permission, resolve, {}))
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
