import { parseArgs } from 'node:util'
import { openCourt, revisions, type Court } from './court.ts'
import { findNewerNode } from '../support/newer-node.ts'
import { formatReport, isAcceptable, type Report } from './report.ts'

// `npm run referee`: everything that the conformance suite says of the bridge. `--json` prints it whole.

const { values } = parseArgs({ options: { json: { type: 'boolean', default: false } } })
const node = await findNewerNode()
if ('missing' in node) {
  console.error(`The referee needs Node 22 or newer: ${node.missing}`)
  process.exit(1)
}
const court = await openCourt(node.path)
try {
  const report = await judge(court)
  console.log(values.json ? JSON.stringify(report, undefined, 2) : formatReport(report))
  process.exitCode = isAcceptable(report) ? 0 : 1
} finally {
  await court.close()
}

/** One after the other, since some scenarios measure time. */
async function judge(judges: Court): Promise<Report> {
  const [modern, session] = revisions
  const clients = [
    await judges.judgeClient(modern),
    await judges.judgeClient(session),
    await judges.judgeBackwardCompatibility(),
  ]
  const servers = [await judges.judgeServer(modern), await judges.judgeServer(session)]
  const routes = [
    await judges.judgeRoute('stdio', modern),
    await judges.judgeRoute('stdio', session),
    await judges.judgeRoute('translation', modern),
    await judges.judgeRoute('translation', session),
  ]
  return { clients, servers, routes }
}
