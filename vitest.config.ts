import { defineConfig } from 'vitest/config';

const isDeep = process.env['VEDETTE_DEEP'] === '1';

export default defineConfig({
  test: {
    projects: [
      // Values in, values out: one process after another takes many files.
      {
        extends: true,
        test: { name: 'unit', include: ['test/unit/**/*.test.ts'], isolate: false },
      },
      // They load the addon and ONNX Runtime and kill processes: each file gets a process of its own.
      {
        extends: true,
        test: {
          name: 'real',
          include: ['test/{contract,integration,e2e}/**/*.test.ts'],
          globalSetup: ['test/support/prepare-run.ts'],
        },
      },
    ],
    pool: 'forks',
    // One more than the cores of a small machine: many tests wait for processes.
    maxWorkers: 3,
    testTimeout: isDeep ? 900_000 : 30_000,
    hookTimeout: isDeep ? 120_000 : 30_000,
    teardownTimeout: 10_000,
    retry: 0,
    // What a test waits for comes when it comes: two busy cores are no defect.
    expect: { poll: { timeout: 15_000, interval: 20 } },
    // One line for each file; only what takes really long is listed test by test.
    slowTestThreshold: 5_000,
    passWithNoTests: false,
    allowOnly: false,
  },
});
