/*
 * The `bridgekeeper` command. `stdio` is what client apps start for each of their connections: it must not pay for the rest of the command line.
 */
const [, , word, ...rest] = process.argv
const asksForHelp = rest.some((option) => option === '--help' || option === '-h')
if (word === 'stdio' && !asksForHelp) {
  process.argv.splice(2, 1)
  void import('./stdio.ts')
} else {
  // Not a literal: it is an ES module of its own, built beside this file.
  const commandLine = './cli.js'
  void import(commandLine)
}
