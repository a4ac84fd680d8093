// The package's own entry does nothing more than this module, but to write a warning to the console on Node 20.
declare module 'oidc-provider/lib/provider.js' {
  export { Provider } from 'oidc-provider';
}
