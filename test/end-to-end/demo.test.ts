import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { startNode, typescriptLoader } from '../support/process.ts'
import { createTemporaryHome } from '../support/temporary-home.ts'
import { closing } from './scene.ts'

const demo = fileURLToPath(new URL('../../demo/main.ts', import.meta.url))

it('the demo tells the whole way, and everything in it holds', async () => {
  const home = await createTemporaryHome()
  closing({ close: () => home.remove() })
  const { exited, stdout } = startNode(['--import', typescriptLoader, demo], { env: home.env })
  const { code } = await exited
  const said = stdout.text()
  expect(said).toMatch(/^ +ok +After: the MCP server refuses it$/m)
  expect(said).not.toMatch(/^ +NOT /m)
  expect(said).toContain('All of it worked')
  expect(code).toBe(0)
})
