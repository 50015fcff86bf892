import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      // Two at a time also where there are two processors: some only wait.
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'], maxWorkers: 2, testTimeout: 60_000 } },
      {
        test: {
          name: 'lab',
          include: ['test/lab/**/*.test.ts'],
          // Each file has hosts of its own; two at a time because they mostly wait, and generous limits because a machine may be slow.
          maxWorkers: 2,
          testTimeout: 300_000,
          hookTimeout: 600_000,
        },
      },
      {
        test: {
          name: 'kubernetes',
          include: ['test/kubernetes/**/*.test.ts'],
          // Three whole control planes at a time are what a small machine can carry.
          fileParallelism: false,
          testTimeout: 600_000,
          hookTimeout: 600_000,
        },
      },
    ],
  },
});
