/** The provider without the package's index, which prints a warning about Node 20 when it is loaded. */
declare module 'oidc-provider/lib/provider.js' {
  export { Provider } from 'oidc-provider'
}
