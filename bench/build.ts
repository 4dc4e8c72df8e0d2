import { fileURLToPath } from 'node:url'
import { rolldown, type OutputOptions, type RolldownOptions } from 'rolldown'
import { loadConfig } from 'rolldown/config'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

type BuildConfig = RolldownOptions & { output: OutputOptions }

/** Where the processes of the benchmark are built. */
export const builtFolder = here('../artifacts/bench')

/** Builds the bridge as a release does, and the other processes alike: what runs TypeScript directly costs each call time. */
export async function build(): Promise<void> {
  const configs = (await loadConfig(here('../rolldown.config.js'))) as BuildConfig[]
  for (const config of configs) await write(config, config.output)
  const names = ['upstream', 'bare-proxy', 'load'].map((name) => `${name}-process`)
  await write(
    { input: Object.fromEntries(names.map((name) => [name, here(`${name}.ts`)])), platform: 'node' },
    { dir: builtFolder, format: 'esm', entryFileNames: '[name].js' },
  )
}

async function write(input: RolldownOptions, output: OutputOptions): Promise<void> {
  const bundle = await rolldown(input)
  try {
    await bundle.write(output)
  } finally {
    await bundle.close()
  }
}
