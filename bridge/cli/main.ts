import { runCommandLine } from './program.ts'

// The built command has the built bridge beside it; the source starts the source.
const bridge = new URL(import.meta.url.endsWith('.ts') ? '../main.ts' : './bridge.js', import.meta.url)
const { argv, env, stdin, stdout, stderr } = process

// Not `process.exit`, which would cut what a pipe has not taken yet.
process.exitCode = await runCommandLine(argv.slice(2), { env, stdin, stdout, stderr, bridge })
