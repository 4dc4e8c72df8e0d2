import manifest from '../package.json' with { type: 'json' }

/** The version of this build, as the manifest has it. */
export const version: string = manifest.version
