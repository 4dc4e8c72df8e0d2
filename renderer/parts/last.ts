import { useState } from 'react'

/** The latest value that there was, so that what is shown stays while its sheet closes. */
export function useLast<Value>(value: Value | undefined): Value | undefined {
  const [last, setLast] = useState(value)
  if (value !== undefined && value !== last) setLast(value)
  return value ?? last
}
