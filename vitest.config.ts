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
    // V8's wrappers for calls from WebAssembly are shared by all threads of a process and freed too early
    // (seen as SIGTRAP in ThreadIsolation::UnregisterWasmAllocation, Node 24.21). Node takes the types out
    // of .ts files with WebAssembly, in every thread. So many calls make no wrapper.
    execArgv: ['--wasm-wrapper-tiering-budget=2147483647'],
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
