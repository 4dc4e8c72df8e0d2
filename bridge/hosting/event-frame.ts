const end = Buffer.from('\n\n')
const plainHead = Buffer.from('event: message\ndata: ')

/** A message, which is one line, as an event; with an id it can be resumed after. */
export function messageFrame(message: Buffer, id?: string): Buffer {
  const head = id === undefined ? plainHead : Buffer.from(`event: message\nid: ${id}\ndata: `)
  return Buffer.concat([head, message, end])
}

/** An event without a message, which tells the client after what it can resume. */
export function positionFrame(id: string): Buffer {
  return Buffer.from(`id: ${id}\ndata: \n\n`)
}
