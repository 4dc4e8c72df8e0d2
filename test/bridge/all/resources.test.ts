import { describe, expect, it } from 'vitest'
import { createWorkshop, serve, setAllScene, type AllClient, type Era } from './scene.ts'

const eras: readonly Era[] = ['legacy', 'modern']

async function twoWorkshops(era: Era): Promise<AllClient> {
  const oak = await serve({ create: () => createWorkshop('oak') })
  const elm = await serve({ create: () => createWorkshop('elm') })
  const { spawn } = await setAllScene({ oak: oak.url, elm: elm.url }, era)
  return spawn()
}

describe.each(eras)('resources of two servers with the same uris (%s era)', (era) => {
  it('are listed apart, and what is unique stays as it is', async () => {
    const client = await twoWorkshops(era)
    expect((await client.keys('resources/list')).sort()).toEqual([
      'bridgekeeper+elm+doc://shelf/index',
      'bridgekeeper+oak+doc://shelf/index',
      'elm://readme',
      'oak://readme',
    ])
    expect((await client.keys('resources/templates/list')).sort()).toEqual([
      'bridgekeeper+elm+doc://shelf/book/{n}',
      'bridgekeeper+oak+doc://shelf/book/{n}',
    ])
  })

  it('are read where they belong, by the uri that the client asked for', async () => {
    const client = await twoWorkshops(era)
    await client.keys('resources/list')
    for (const uri of [
      'elm://readme',
      'bridgekeeper+elm+doc://shelf/index',
      'bridgekeeper+oak+doc://shelf/book/3',
    ]) {
      const { contents } = await client.result('resources/read', { uri })
      const name = uri.includes('oak') ? 'oak' : 'elm'
      expect(contents).toMatchObject([{ uri, text: expect.stringContaining(name) }])
    }
  })

  it('are found without a list too, as after a restart of the bridge', async () => {
    const client = await twoWorkshops(era)
    const { contents } = await client.result('resources/read', { uri: 'elm://readme' })
    expect(contents).toMatchObject([{ text: 'only elm' }])
  })

  it('are refused where it would be a guess which one is meant', async () => {
    const client = await twoWorkshops(era)
    const code = era === 'legacy' ? -32002 : -32602
    await expect(client.result('resources/read', { uri: 'doc://shelf/index' })).rejects.toMatchObject({
      code,
    })
    await expect(client.result('resources/read', { uri: 'nobody://x' })).rejects.toMatchObject({ code })
  })

  it('can be read by the links and the embedded resources in the result of a tool', async () => {
    const client = await twoWorkshops(era)
    const { content } = await client.result('tools/call', { name: 'oak__link', arguments: {} })
    const uris = [content[0].uri, content[1].resource.uri]
    for (const uri of uris) {
      const { contents } = await client.result('resources/read', { uri })
      expect(contents).toMatchObject([{ uri, text: expect.stringMatching(/^book [78] of oak$/) }])
    }
    // Another server offers resources at the same place, and a link that was given keeps its meaning.
    await client.keys('resources/templates/list')
    for (const uri of uris) {
      const { contents } = await client.result('resources/read', { uri })
      expect(contents).toMatchObject([{ text: expect.stringContaining('oak') }])
    }
  })

  it('are completed by the server whose template it is', async () => {
    const client = await twoWorkshops(era)
    await client.keys('resources/templates/list')
    const { completion } = await client.result('completion/complete', {
      ref: { type: 'ref/resource', uri: 'bridgekeeper+elm+doc://shelf/book/{n}' },
      argument: { name: 'n', value: '1' },
    })
    expect(completion.values).toEqual(['1-of-elm'])
  })
})
