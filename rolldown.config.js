import { defineConfig } from 'rolldown'

const command = '#!/usr/bin/env node'

export default defineConfig([
  // Everything but the native keychain binding is bundled: one file read at start costs less than hundreds.
  {
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
      banner: (chunk) => (chunk.name === 'cli' ? command : ''),
    },
  },
  // CommonJS: an ES module would load a good part of Node's own, in every client app.
  {
    input: { stdio: 'shim/stdio.ts', command: 'shim/command.ts' },
    platform: 'node',
    external: ['./cli.js'],
    output: {
      dir: 'dist',
      format: 'cjs',
      minify: false,
      entryFileNames: '[name].cjs',
      banner: (chunk) => (chunk.name === 'command' ? command : ''),
    },
  },
  // The tray app. Its bridge is the one above, started as a process of its own.
  {
    input: { main: 'electron/main.ts' },
    platform: 'node',
    external: ['electron'],
    moduleTypes: { '.png': 'dataurl' },
    output: {
      dir: 'dist/electron',
      format: 'esm',
      minify: false,
      entryFileNames: '[name].js',
      chunkFileNames: 'chunks/[name]-[hash].js',
    },
  },
  // What `npm start` runs.
  {
    input: { start: 'electron/start.ts' },
    platform: 'node',
    output: { dir: 'dist', format: 'esm', minify: false, entryFileNames: '[name].js' },
  },
  // CommonJS and one file: in the sandbox there is nothing else.
  {
    input: { preload: 'electron/preload/preload.ts' },
    platform: 'browser',
    external: ['electron'],
    output: { dir: 'dist/electron', format: 'cjs', minify: false, entryFileNames: '[name].cjs' },
  },
])
