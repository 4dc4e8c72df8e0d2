import { z } from 'zod'

/** The settings file, whole. Every key has a default; unknown keys are refused so that a typo is not silent. */
export const Settings = z.strictObject({
  port: z.int().min(0).max(65_535).default(47_330),
  keyStore: z.enum(['auto', 'keychain', 'passphrase', 'key-file']).default('auto'),
  browser: z
    .string()
    .optional()
    .describe('the command that opens the browser; it gets the URL as its last argument'),
  logLevel: z.enum(['error', 'warn', 'info', 'debug']).default('info'),
  'gateway.maxRequestBytes': z
    .int()
    .min(1024)
    .default(64 * 1024 * 1024),
  'stepUp.waitSeconds': z.int().min(0).max(3600).default(120),
  'approvals.waitSeconds': z.int().min(0).max(3600).default(120),
  'signIn.waitSeconds': z.int().min(10).max(3600).default(600),
  'activity.keepDays': z.int().min(0).max(3650).default(30).describe('0 records nothing'),
  'activity.maxMegabytes': z.int().min(4).max(1024).default(64),
  'registration.metadataUrl': z.url({ protocol: /^https$/ }).optional(),
})
export type Settings = z.infer<typeof Settings>
