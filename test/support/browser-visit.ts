import { approve, deny } from './browser.ts'

// A browser as a program: `approve URL` or `deny URL`.
const [decision, url = ''] = process.argv.slice(2)
const { status } = await (decision === 'deny' ? deny(url) : approve(url))
process.exitCode = status === undefined || status < 400 ? 0 : 1
