import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    pool: 'forks',
    // Most tests wait for processes and servers: one for each core would leave the cores idle.
    maxWorkers: 4,
    // On a machine that others use too, a process can stand still for seconds. What fails twice is broken.
    retry: Number(process.env['TEST_RETRIES'] ?? 0),
  },
})
