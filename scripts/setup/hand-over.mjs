// @ts-check
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';

/** npm and the terminal both deliver one Ctrl-C; a second one is meant when it comes later. */
const SAME_SIGNAL_MS = 500;
const PARENT_POLL_MS = 1000;
const SETPRIV = '/usr/bin/setpriv';

/**
 * Runs the real command in this process's place: same terminal, same signals, same exit code. It
 * ends with this process, also when this one is killed (util-linux' setpriv) or npm is.
 * @param {string} node
 * @param {string[]} args
 * @param {string} cwd
 * @returns {Promise<number>} its exit code; 128 + n when signal n ended it
 */
export async function handOver(node, args, cwd) {
  const [command, before] = existsSync(SETPRIV)
    ? [SETPRIV, ['--pdeathsig', 'TERM', node]]
    : [node, []];
  // Node keeps what it compiled: a start then takes 0.3 s less.
  const compiled = join(cwd, 'build', 'compile-cache');
  // Also where ONNX Runtime is run without Vedette, as in benchmarks: it shall report to nobody.
  const env = { NODE_COMPILE_CACHE: compiled, ORT_DISABLE_TELEMETRY: '1', ...process.env };
  // See vitest.config.ts.
  const options = ['--wasm-wrapper-tiering-budget=2147483647'];
  const child = spawn(command, [...before, ...options, ...args], { cwd, env, stdio: 'inherit' });
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.env['npm_lifecycle_event'] && process.ppid !== parent) child.kill('SIGTERM');
  }, PARENT_POLL_MS);
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    forward(signal, (name) => child.kill(name));
  }
  try {
    return await new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('exit', (code, signal) =>
        resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)),
      );
    });
  } finally {
    clearInterval(watch);
  }
}

/**
 * @param {'SIGINT' | 'SIGTERM' | 'SIGHUP'} signal
 * @param {(signal: NodeJS.Signals) => void} pass
 */
function forward(signal, pass) {
  let lastAt = -Infinity;
  process.on(signal, () => {
    const isRepeated = Date.now() - lastAt < SAME_SIGNAL_MS;
    lastAt = Date.now();
    // A terminal's Ctrl-C has reached the child already: it is in the same process group.
    const hasReachedChild = signal === 'SIGINT' && process.stdin.isTTY;
    if (!isRepeated && !hasReachedChild) pass(signal);
  });
}
