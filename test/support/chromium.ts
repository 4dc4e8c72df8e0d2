import { existsSync } from 'node:fs'
import { describe } from 'vitest'

/** The Chromium that Debian installs; Playwright's own cannot be had everywhere. */
export const chromiumPath = '/usr/bin/chromium'

const isMissing = !existsSync(chromiumPath)

/** A group of tests that need Chromium. Where it is missing they are skipped, and their name says why. */
export function describeInChromium(name: string, tests: () => void): void {
  const title = isMissing ? `${name} (not run: there is no ${chromiumPath})` : name
  // oxlint-disable-next-line vitest/valid-title, vitest/valid-describe-callback -- Both are the caller's.
  describe.skipIf(isMissing)(title, tests)
}
