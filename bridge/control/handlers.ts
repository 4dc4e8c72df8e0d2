import type {
  AnySchema,
  ContractProcedure,
  ErrorMap,
  InferSchemaInput,
  InferSchemaOutput,
  Meta,
} from '@orpc/contract'
import type { Control } from '../../shared/control.ts'

/** One procedure as a plain function: a promise for one answer, or an async iterable for a stream of events. */
type Handler<Input, Output> = [Output] extends [AsyncIteratorObject<infer Event, unknown, void>]
  ? (input: Input, signal: AbortSignal) => AsyncIterable<Event>
  : (input: Input, signal: AbortSignal) => Promise<Output>

type HandlersOf<Contract> =
  Contract extends ContractProcedure<
    infer Input extends AnySchema,
    infer Output extends AnySchema,
    ErrorMap,
    Meta
  >
    ? Handler<InferSchemaOutput<Input>, InferSchemaInput<Output>>
    : { readonly [Name in keyof Contract]: HandlersOf<Contract[Name]> }

/**
 * What the bridge implements: one plain function for each procedure of the contract, in the contract's own shape.
 * Inputs are validated before they arrive and answers before they leave. To fail, throw a `BridgeError`.
 * `signal` aborts when the face goes away; an event stream must then end, since nobody reads it.
 */
export type ControlHandlers = HandlersOf<Control>
