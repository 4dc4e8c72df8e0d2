import { receiptLines } from '../describe.ts'
import type { Face } from '../face.ts'
import { parseId } from '../parse.ts'
import { text } from '../text.ts'

/** Ends the access of a connection and says what the server confirmed. */
export async function revoke(face: Face, typedId: string): Promise<void> {
  const id = parseId(typedId)
  const control = await face.control()
  const receipt = await control.connections.revoke({ id })
  face.terminal.answer(receipt, () => receiptLines(receipt))
}

/** Forgets a connection; what it still holds is revoked first. */
export async function remove(face: Face, typedId: string): Promise<void> {
  const id = parseId(typedId)
  const control = await face.control()
  const receipt = await control.connections.remove({ id })
  face.terminal.answer(receipt, () => [...(receipt ? receiptLines(receipt) : []), text`Removed ${id}.`])
}
