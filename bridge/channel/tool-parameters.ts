import { headerValue } from './mirrored-headers.ts'

/** One parameter that a tool wants to see in a header too. */
interface MirroredParameter {
  /** The names that lead to it from the arguments. */
  readonly path: readonly string[]
  readonly header: string
}

/** What a tool's schema asks for, or why it must not be used. */
export type ToolParameters = readonly MirroredParameter[] | { readonly fault: string }

const annotation = 'x-mcp-header'
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const primitives = new Set<unknown>(['string', 'integer', 'boolean'])

/** Schemas nested deeper than this are not walked: their annotations could not be told from hostile ones. */
const deepest = 64

/**
 * The parameters that a tool's input schema marks with `x-mcp-header`. Where a mark breaks a rule the tool must be left out of the list.
 * @see [MCP 2026-07-28, Schema Extension](https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#schema-extension)
 */
export function mirroredParameters(inputSchema: unknown): ToolParameters {
  const found: MirroredParameter[] = []
  const taken = new Set<string>()
  let fault: string | undefined

  const mark = (schema: Record<string, unknown>, path: readonly string[] | undefined): void => {
    const header = schema[annotation]
    if (path === undefined || path.length === 0) fault ??= 'it marks what is no parameter'
    else if (typeof header !== 'string' || !token.test(header)) fault ??= 'the name of a header is not valid'
    else if (!primitives.has(schema['type']))
      fault ??= 'it marks a parameter that is not a string, integer or boolean'
    else if (taken.has(header.toLowerCase())) fault ??= 'it marks two parameters with one header'
    else {
      taken.add(header.toLowerCase())
      found.push({ path, header })
    }
  }

  /** `path` is undefined below everything but `properties`, where a mark is not allowed. */
  const walk = (schema: unknown, path: readonly string[] | undefined, depth: number): void => {
    if (typeof schema !== 'object' || schema === null) return
    if (depth > deepest) {
      fault ??= 'it is nested too deeply'
      return
    }
    if (Object.hasOwn(schema, annotation)) mark(schema as Record<string, unknown>, path)
    for (const [keyword, below] of Object.entries(schema)) {
      if (keyword === annotation || data.has(keyword)) continue
      if (!schemasByName.has(keyword)) walk(below, undefined, depth + 1)
      else if (typeof below === 'object' && below !== null) {
        const isReachable = keyword === 'properties' && path !== undefined
        for (const [name, one] of Object.entries(below)) {
          walk(one, isReachable ? [...path, name] : undefined, depth + 1)
        }
      }
    }
  }
  walk(inputSchema, [], 0)
  return fault === undefined ? found : { fault }
}

/** Keywords whose values are objects of schemas under names that somebody chose. */
const schemasByName = new Set(['properties', 'patternProperties', 'dependentSchemas', '$defs', 'definitions'])

/** Keywords whose values are data and not schemas. */
const data = new Set(['const', 'default', 'enum', 'examples'])

/** The header fields for a call with these arguments: name, value, name, value … What has no value there gets no field. */
export function parameterFields(parameters: readonly MirroredParameter[], args: unknown): string[] {
  return parameters.flatMap(({ path, header }) => {
    const text = textOf(path.reduce(memberOf, args))
    return text === undefined ? [] : [`Mcp-Param-${header}`, headerValue(text)]
  })
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (typeof value === 'boolean') return String(value)
  return typeof value === 'number' && (!Number.isInteger(value) || Number.isSafeInteger(value))
    ? String(value)
    : undefined
}
