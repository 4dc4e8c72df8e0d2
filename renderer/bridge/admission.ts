/** The name under which the secret is kept, in storage that the browser separates by port. */
const storageKey = 'bridgekeeper-page'

/** The header field that carries it. */
export const secretHeader = 'x-bridgekeeper-page'

/**
 * The secret that lets this page use the bridge. It arrives in the fragment of the first address, which is cleared at once, so that neither the
 * history nor a copied address has it. Undefined where nobody let this browser in.
 */
export function takeAdmission({ location, history, sessionStorage }: Window): string | undefined {
  const given = /^#([\w-]{43})$/.exec(location.hash)?.[1]
  if (location.hash !== '') history.replaceState(null, '', location.pathname)
  if (given !== undefined) sessionStorage.setItem(storageKey, given)
  return given ?? sessionStorage.getItem(storageKey) ?? undefined
}
