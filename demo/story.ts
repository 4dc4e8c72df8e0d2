/** Tells what happens, step by step, and remembers whether all of it was as it should be. */
export interface Story {
  step(text: string): void
  note(text: string): void
  command(line: string): void
  output(text: string): void
  check(text: string, holds: boolean): void
  end(): void
}

/** A story on stdout. A check that does not hold makes the process end with 1. */
export function createStory(): Story {
  const startedAt = performance.now()
  let steps = 0
  let failed = 0
  const say = (line: string): void => void process.stdout.write(`${line}\n`)
  return {
    step: (text) => say(`\n${++steps}. ${text}`),
    note: (text) => say(`   ${text}`),
    command: (line) => say(`   $ ${line}`),
    output: (text) => {
      for (const line of text.trimEnd().split('\n')) say(`     ${line}`)
    },
    check(text, holds) {
      if (!holds) {
        failed += 1
        process.exitCode = 1
      }
      say(`   ${holds ? 'ok ' : 'NOT'} ${text}`)
    },
    end() {
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
      say(failed === 0 ? `\nAll of it worked, in ${seconds} s.` : `\n${failed} of the checks failed.`)
    },
  }
}
