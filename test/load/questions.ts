/** How many progress messages a call brings that wants some. */
export const progressCount = 3

/** What the server has seen so far. */
export interface ServerRecord {
  /** Calls of the tool, and how many of them came with a nonce that was known. */
  readonly calls: number
  readonly repeated: number
  /** Requests that no correct client makes: without the token, the session or the headers that it needs. */
  readonly refused: number
}
