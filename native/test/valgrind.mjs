// Runs the core tests under valgrind's memcheck: no leak, no use of uninitialised memory.
// Usage: node_modules/.bin/node native/test/valgrind.mjs
import { spawnSync } from 'node:child_process';
import { build } from './run.mjs';

const program = build('plain', []);
const result = spawnSync(
  'valgrind',
  [
    '--quiet',
    '--leak-check=full',
    '--errors-for-leak-kinds=definite,indirect',
    '--error-exitcode=9',
    program,
  ],
  { encoding: 'utf8', maxBuffer: 1 << 26 },
);
if (result.error) throw result.error;
process.stderr.write(result.stderr);
console.log(`core tests (valgrind): ${result.stdout.trim()}`);
process.exit(result.status ?? 1);
