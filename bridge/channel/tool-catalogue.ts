import type { Log } from '../ports.ts'
import { findParams, stringAt, type RpcMessage } from './rpc-message.ts'
import { toolsIn, withTools } from './tool-list.ts'
import { mirroredParameters, parameterFields, type ToolParameters } from './tool-parameters.ts'

/** What is known of the tools of one connection: which parameters of theirs are repeated in headers. */
export class ToolCatalogue {
  readonly #log: Log
  /** Of a whole list. */
  #known: ReadonlyMap<string, ToolParameters> | undefined
  /** Of a list whose last page has not come yet, and the cursor of its next one. */
  #coming: { readonly tools: Map<string, ToolParameters>; readonly cursor: string } | undefined
  #fetching: Promise<void> | undefined

  constructor(log: Log) {
    this.#log = log
  }

  /** The header fields for a call of a tool; undefined as long as the list has not been seen. */
  fieldsFor(tool: string, args: () => unknown): string[] | undefined {
    if (!this.#known) return undefined
    const parameters = this.#known.get(tool)
    return parameters && isUsable(parameters) && parameters.length > 0
      ? parameterFields(parameters, args())
      : []
  }

  /** What was known may not hold any more. */
  forget(): void {
    this.#known = undefined
    this.#coming = undefined
  }

  /** Fetches the list with `pages`, which calls `learn` for each page, once for however many ask at the same time. */
  fetch(pages: () => Promise<void>): Promise<void> {
    this.#fetching ??= pages().finally(() => {
      // A list that cannot be had is not asked for again at every call.
      this.#known ??= new Map()
      this.#fetching = undefined
    })
    return this.#fetching
  }

  /**
   * Learns from one page of a list, which was asked for with this cursor, and gives it back without the tools that must not be used; byte for byte
   * the same where there are none.
   * @see [MCP 2026-07-28, Schema Extension](https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#schema-extension)
   */
  learn(answer: RpcMessage, cursor: string | undefined): Buffer {
    const { bytes } = answer
    const page = toolsIn(answer)
    if (!page) return bytes
    const { tools, nextCursor } = page
    const begun = cursor === undefined ? new Map<string, ToolParameters>() : this.#begunAt(cursor)
    const usable = tools.filter(({ start, end }) =>
      this.#learnTool(bytes.toString('utf8', start, end), begun),
    )
    if (nextCursor !== undefined) this.#coming = begun && { tools: begun, cursor: nextCursor }
    else if (begun) this.#known = begun
    return withTools(answer, page, usable)
  }

  #begunAt(cursor: string): Map<string, ToolParameters> | undefined {
    return this.#coming?.cursor === cursor ? this.#coming.tools : undefined
  }

  #learnTool(text: string, known: Map<string, ToolParameters> | undefined): boolean {
    const { name, inputSchema } = (JSON.parse(text) ?? {}) as { name?: unknown; inputSchema?: unknown }
    if (typeof name !== 'string') return true
    const parameters = mirroredParameters(inputSchema)
    known?.set(name, parameters)
    if (isUsable(parameters)) return true
    this.#log.warn('a tool is left out: its x-mcp-header is not valid', { tool: name, why: parameters.fault })
    return false
  }
}

function isUsable(parameters: ToolParameters): parameters is Exclude<ToolParameters, { fault: string }> {
  return !('fault' in parameters)
}

/** The cursor of a request for a page of a list. */
export function cursorOf(request: RpcMessage): string | undefined {
  return stringAt(request.bytes, findParams(request, ['cursor'])?.[0])
}
