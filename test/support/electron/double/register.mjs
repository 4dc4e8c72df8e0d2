import { register } from 'node:module'

// For `node --import`: the module `electron` is the double from now on.
register(new URL('./hooks.mjs', import.meta.url))
