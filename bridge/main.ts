import { runBridge } from './run.ts'

// Whoever started it may be gone after the first line.
for (const output of [process.stdout, process.stderr]) output.on('error', () => undefined)

// The process that the faces start in the background: its first line says how the start ended.
process.exitCode = await runBridge({
  env: process.env,
  print: (event) => process.stdout.write(`${JSON.stringify(event)}\n`),
})

// A utility process of the tray app does not end by itself when there is nothing left to do.
if ('parentPort' in process) process.stdout.write('', () => process.exit())
