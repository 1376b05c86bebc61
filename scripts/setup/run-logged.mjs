// @ts-check
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { SetupError } from './setup-error.mjs';

const TAIL_LINES = 30;

/**
 * Runs a command with its output in a log file.
 * @param {{ what: string, command: string, args: string[], cwd: string, logFile: string,
 *   env?: Record<string, string>, hint?: string }} step `hint`: a last line for people who see it fail
 * @returns {Promise<void>}
 * @throws SetupError with the end of the log when it fails
 */
export async function runLogged({ what, command, args, cwd, logFile, env, hint }) {
  mkdirSync(dirname(logFile), { recursive: true });
  const log = openSync(logFile, 'w');
  const outcome = await new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      stdio: ['ignore', log, log],
      env: { ...process.env, ...env },
    });
    child.on('error', (error) => resolve(error.message));
    child.on('exit', (code, signal) => resolve(signal ?? code));
  });
  closeSync(log);
  if (outcome === 0) return;
  const ending = typeof outcome === 'number' ? `ended with code ${outcome}` : `ended: ${outcome}`;
  const lines = [
    `Preparing ${what} failed: \`${[command, ...args].join(' ')}\` ${ending}.`,
    ...tailOf(readFileSync(logFile, 'utf8')).map((line) => `  | ${line}`),
    `The whole log: ${logFile}`,
    ...(hint ? [hint] : []),
  ];
  throw new SetupError(lines.join('\n'), 1);
}

/**
 * @param {string} text
 * @returns {string[]} its last lines
 */
export const tailOf = (text) => text.trimEnd().split('\n').slice(-TAIL_LINES);
