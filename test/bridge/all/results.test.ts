import { describe, expect, it } from 'vitest'
import { listKinds, renderItem, viewsOf, type ListKind } from '../../../bridge/all/items.ts'
import { Mapping, toServer, toTaskServer } from '../../../bridge/all/mapping.ts'
import { messageOf } from '../../../bridge/all/splicing.ts'
import { UriSpace } from '../../../bridge/all/uris.ts'

/** Two connections whose resources are at the same place. */
function meeting(): Mapping {
  const uris = new UriSpace()
  for (const connection of ['oak', 'elm']) uris.claim(connection, 'doc://shelf/1')
  return new Mapping(uris)
}

const answered = (result: object): Buffer => Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, result }))
const read = (bytes: Buffer): any => JSON.parse(bytes.toString()).result

describe('a result by way of all connections', () => {
  it('is the very same bytes where nothing in it can be read or asked for afterwards', () => {
    const mapping = meeting()
    for (const bytes of [
      answered({ content: [{ type: 'text', text: 'plain' }], _meta: { a: 1 } }),
      answered({ content: [{ type: 'text', text: 'a "uri" and a "taskId" in words' }] }),
      answered({ structuredContent: { uri: 'doc://shelf/1', taskId: 'no task of MCP' } }),
      answered({ content: [{ type: 'resource_link', uri: 'own://x', name: 'x' }] }),
      Buffer.from('{ "jsonrpc" : "2.0", "id":1, "error": {"code":-1, "message":"\\"uri\\""} }'),
    ]) {
      expect(mapping.answer('oak', bytes)).toBe(bytes)
    }
  })

  it('has its links, embedded resources and contents under the uris that the client reads them by', () => {
    const resource = { uri: 'doc://shelf/2', text: '"uri"' }
    const link = { type: 'resource_link', uri: 'doc://shelf/1', name: 'x' }
    const mapped = read(
      meeting().answer(
        'elm',
        answered({
          content: [link, { type: 'resource', resource }, { type: 'text', text: 'doc://shelf/1' }],
          messages: [{ role: 'user', content: { type: 'resource', resource } }],
          contents: [resource],
        }),
      ),
    )
    expect(mapped.content[0]).toEqual({ ...link, uri: 'bridgekeeper+elm+doc://shelf/1' })
    expect(mapped.content[1].resource).toEqual({ ...resource, uri: 'bridgekeeper+elm+doc://shelf/2' })
    expect(mapped.content[2].text).toBe('doc://shelf/1')
    expect(mapped.messages[0].content.resource.uri).toBe('bridgekeeper+elm+doc://shelf/2')
    expect(mapped.contents[0].uri).toBe('bridgekeeper+elm+doc://shelf/2')
  })

  it('has tasks that lead back to their server, whatever their ids are', () => {
    for (const taskId of ['7', 'a:b', '"', 'über']) {
      const mapped = read(
        meeting().answer('elm', answered({ resultType: 'task', taskId, status: 'working' })),
      )
      const request = messageOf({
        jsonrpc: '2.0',
        id: 2,
        method: 'tasks/get',
        params: { taskId: mapped.taskId },
      })
      const back = toTaskServer(request)
      expect(back?.connection).toBe('elm')
      expect(JSON.parse(back?.message.bytes.toString() ?? '')).toMatchObject({ id: 2, params: { taskId } })
    }
    const nested = read(meeting().answer('oak', answered({ task: { taskId: 'x', status: 'working' } })))
    expect(nested.task.taskId).toBe('oak:"x"')
  })
})

describe('questions of servers', () => {
  it.each([1, -1.5, 'a', 'x:y', '"', '\u{1f333}'])(
    'with the id %j are answered to the server that asked',
    (id) => {
      const question = messageOf({
        jsonrpc: '2.0',
        id,
        method: 'sampling/createMessage',
        params: { _meta: { progressToken: id } },
      })
      const asked = JSON.parse(meeting().fromServer('elm', question).bytes.toString())
      expect(asked.id).not.toBe(id)
      const answer = toServer(messageOf({ jsonrpc: '2.0', id: asked.id, result: {} }))
      expect(answer?.connection).toBe('elm')
      expect(JSON.parse(answer?.message.bytes.toString() ?? '')).toEqual({ jsonrpc: '2.0', id, result: {} })
      const { progressToken } = asked.params._meta
      const params = { progressToken, progress: 1 }
      const progress = toServer(messageOf({ jsonrpc: '2.0', method: 'notifications/progress', params }))
      expect(JSON.parse(progress?.message.bytes.toString() ?? '').params.progressToken).toBe(id)
    },
  )

  it.each([1, 'oak', 'oak:', 'oak:{', 'oak:[1]', 'oak:1 2'])('are not answered by an answer to %j', (id) => {
    expect(toServer(messageOf({ jsonrpc: '2.0', id, result: {} }))).toBeUndefined()
  })

  it('are taken back under the id that the client knows', () => {
    const params = { requestId: 4, reason: 'enough' }
    const note = messageOf({ jsonrpc: '2.0', method: 'notifications/cancelled', params })
    const mapped = JSON.parse(meeting().fromServer('elm', note).bytes.toString())
    expect(mapped.params).toEqual({ requestId: 'elm:4', reason: 'enough' })
  })
})

describe('a tool with a view (MCP Apps)', () => {
  it('names it by the uri that the client can read it by, and is otherwise as it was', () => {
    const kind = listKinds.get('tools/list') as ListKind
    const text =
      '{"title" : "T","_meta":{"ui":{"resourceUri":"ui://a/x"},"openai/outputTemplate":"ui://a/y"},"name":"n\\u0061me"}'
    const item = { key: 'name', bytes: Buffer.from(text) }
    expect(viewsOf(item)).toEqual(['ui://a/x', 'ui://a/y'])
    const rendered = renderItem(kind, item, 'oak__name', (uri) => uri.replace('a', 'b'))
    expect(rendered.toString()).toBe(
      '{"title" : "T","_meta":{"ui":{"resourceUri":"ui://b/x"},"openai/outputTemplate":"ui://b/y"},"name":"oak__name"}',
    )
  })
})
