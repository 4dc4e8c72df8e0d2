import { readdirSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import ts from 'typescript'

const root = fileURLToPath(new URL('..', import.meta.url))

/** What may not be imported from where, and why. The reason is what a failing test says. */
const bans: { from: RegExp; but?: RegExp; never: RegExp; because: string }[] = [
  {
    from: /^shared\//,
    never: /^(?!shared\/|zod$|@orpc\/contract$)/,
    because:
      'contracts are shared with a page in a browser: they need nothing but zod and the contract library',
  },
  {
    from: /^bridge\//,
    never: /^(electron|react|react-dom)(\/|$)/,
    because: 'the bridge runs headless, as plain Node',
  },
  {
    from: /^bridge\//,
    never: /^(renderer|electron|test|demo|bench)\//,
    because: 'the bridge knows none of its faces, and no test code is shipped',
  },
  {
    from: /^bridge\/cli\//,
    but: /^bridge\/cli\/commands\/serve\.ts$/,
    never: /^bridge\/(?!cli\/|control\/client|paths|version|browser|settings-file)/,
    because: 'the command line is a face like any other: it reaches the bridge through the control API',
  },
  {
    from: /^bridge\/(oauth\/(challenge|well-known|addresses|scopes|server-url|redact)|connections\/(machine|renewal|addition|record-changes|view|step-up)|gateway\/(guard|endpoint|headers)|access\/(policy|judgement|answer-filter))\.ts$/,
    never: /^node:(fs|net|http|https|dns|child_process|tls|os)/,
    because: 'rules are pure: they can be read, tested and trusted without a network or a disk',
  },
  {
    from: /^bridge\/(?!vault\/keychain-child)/,
    never: /^@napi-rs\/keyring/,
    because: 'a locked keychain blocks its process for ever: only the child that can be killed may ask it',
  },
  {
    from: /^bridge\/(?!oauth\/)/,
    never: /^openid-client/,
    because: 'exchanges with authorization servers have one home',
  },
  {
    from: /^electron\//,
    but: /^electron\/icons\/draw\.ts$/,
    never:
      /^(?!electron(\/|$)|shared\/|bridge\/(control\/(client|router|handlers)|page\/files|paths|log|version)\.ts$|node:|@orpc\/|zod$)/,
    because: 'the tray app is a face like any other: it reaches the bridge through the control API',
  },
  {
    from: /^electron\/preload\//,
    never: /^(?!electron$)/,
    because: 'in the sandbox there is nothing but one file',
  },
  {
    from: /^renderer\//,
    never: /^(bridge|electron|node:)/,
    because: 'the page runs in a browser too, and knows the control API alone',
  },
  {
    from: /^(shared|bridge)\//,
    never: /^(undici|axios|node-fetch|got)/,
    because: 'requests of the sign-in engine go through the guarded fetch, calls through node:http',
  },
]

const files = ['shared', 'bridge', 'electron', 'renderer'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.tsx?$/.test(name))
    .map((name) => join(folder, name)),
)

/** Everything a file imports: repository paths for our own modules, package or `node:` names for the rest. */
function importsOf(file: string): string[] {
  // A type leaves nothing behind in the running program.
  const source = readFileSync(join(root, file), 'utf8').replace(
    /^(im|ex)port type [^;]*? from '[^']+'$/gm,
    '',
  )
  const { importedFiles } = ts.preProcessFile(source, true, true)
  return importedFiles.map(({ fileName }) =>
    fileName.startsWith('.') ? relative(root, resolve(root, dirname(file), fileName)) : fileName,
  )
}

describe('who may import whom', () => {
  it.each(bans)('$from: $because', ({ from, but, never, because }) => {
    const offences = files
      .filter((file) => from.test(file) && !but?.test(file))
      .flatMap((file) => importsOf(file).map((imported) => ({ file, imported })))
      .filter(({ imported }) => never.test(imported))
      .map(({ file, imported }) => `${file} imports ${imported}: ${because}`)
    expect(offences).toEqual([])
  })

  it('names built-in modules by their node: names, so that no package can stand in for one', () => {
    const bare = files.flatMap((file) => importsOf(file).filter((name) => builtinModules.includes(name)))
    expect(bare).toEqual([])
  })

  it('finds files and imports at all', () => {
    expect(files.length).toBeGreaterThan(40)
    expect(importsOf('bridge/oauth/tokens.ts')).toContain('openid-client')
  })
})

describe('the size of a file', () => {
  it.each(files)('%s can be read in one sitting', (file) => {
    expect(readFileSync(join(root, file), 'utf8').split('\n').length).toBeLessThanOrEqual(350)
  })
})
