import { defineConfig } from 'rolldown'

// Everything but the native keychain binding is bundled: one file read at start costs less than hundreds.
export default defineConfig({
  input: {
    cli: 'bridge/cli/main.ts',
    bridge: 'bridge/main.ts',
    'keychain-child': 'bridge/vault/keychain-child.ts',
  },
  platform: 'node',
  external: [/^@napi-rs\/keyring/],
  // Its main file requires its parts in a way that no bundler sees.
  resolve: { alias: { 'jsonc-parser': 'jsonc-parser/lib/esm/main.js' } },
  output: {
    dir: 'dist',
    cleanDir: true,
    format: 'esm',
    minify: false,
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name]-[hash].js',
    banner: (chunk) => (chunk.name === 'cli' ? '#!/usr/bin/env node' : ''),
  },
})
