import { existsSync } from 'node:fs'

/** The Chromium that Debian installs; Playwright's own cannot be had everywhere. */
export const chromiumPath = '/usr/bin/chromium'

/** Why tests that need it are skipped, for their names; empty where it is there. */
export const withoutChromium = existsSync(chromiumPath) ? '' : ` (not run: there is no ${chromiumPath})`
