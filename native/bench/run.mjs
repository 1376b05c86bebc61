// Ours beside C++ OpenCV as a table for people; `npm run bench -- --peers` uses the same program.
// Usage: node_modules/.bin/node native/bench/run.mjs [--rounds 60] [--frames folder] [JPEG files]
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { buildBench, MISSING_OPENCV } from './build.mjs';

const { values, positionals } = parseArgs({
  options: { rounds: { type: 'string', default: '60' }, frames: { type: 'string' } },
  allowPositionals: true,
});
const { program, openCv } = buildBench();
if (openCv === undefined) console.log(MISSING_OPENCV);
const frames = values.frames === undefined ? [] : ['--frames', values.frames];
const { status } = spawnSync(program, ['compare', values.rounds, ...frames, ...positionals], {
  stdio: 'inherit',
});
process.exitCode = status ?? 1;
