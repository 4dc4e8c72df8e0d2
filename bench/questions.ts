/** What a process of the benchmark can be asked, by name. */
export type Questions = Record<string, { in: unknown; out: unknown }>

/** Answers the questions of the benchmark that started this process, and ends with it. */
export function answerQuestions<Q extends Questions>(answers: {
  readonly [N in keyof Q]: (input: Q[N]['in']) => Promise<Q[N]['out']> | Q[N]['out']
}): void {
  const answer = async (question: keyof Q, input: never): Promise<{ ok: unknown } | { error: string }> => {
    try {
      return { ok: await answers[question](input) }
    } catch (thrown) {
      return { error: String(thrown) }
    }
  }
  process.on('message', ({ question, input }: { question: keyof Q; input: never }) => {
    void answer(question, input).then((said) => process.send?.(said))
  })
  process.on('disconnect', () => process.exit(0))
}
