// @ts-check
// How many instructions the kernels for 64-bit Arm take for a pixel of the tensor, counted by the
// emulator on an x86-64 machine. An emulator cannot say how long they take.
// Usage: node_modules/.bin/node native/bench/arm64/count-instructions.mjs
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { arm64Target, emulated, requireArm64Target } from '../../arm64-target.mjs';
import { COMPILER_FLAGS } from '../build.mjs';

const SOURCE = { width: 1920, height: 1080 };
const CASES = [
  { format: 'nv12', rule: 'bilinear', side: 640 },
  { format: 'nv12', rule: 'bilinear', side: 224 },
  { format: 'yuyv', rule: 'bilinear', side: 224 },
  { format: 'rgb24', rule: 'bilinear', side: 640 },
  { format: 'rgb24', rule: 'bilinear', side: 224 },
  { format: 'nv12', rule: 'area', side: 640 },
];

function build() {
  const core = path.join(import.meta.dirname, '../../core');
  const program = path.join(arm64Target.folder, 'bench/frames_to_tensor');
  mkdirSync(path.dirname(program), { recursive: true });
  execFileSync(
    arm64Target.compiler.CXX,
    [
      ...COMPILER_FLAGS,
      ...arm64Target.compilerFlags,
      ...arm64Target.linkerFlags,
      `-Wl,-rpath,${arm64Target.libraryFolder}`,
      path.join(import.meta.dirname, 'frames_to_tensor.cc'),
      ...readdirSync(core)
        .filter((name) => name.endsWith('.cc'))
        .map((name) => path.join(core, name)),
      '-ljpeg',
      '-lpthread',
      '-o',
      program,
    ],
    { stdio: 'inherit' },
  );
  return program;
}

/**
 * The emulator lists each stretch of code without a jump when it translates it, and names it
 * whenever it runs.
 * @param {string} program
 * @param {string[]} args
 */
async function instructionsOf(program, args) {
  const [command, [...before]] = emulated(program, args);
  const child = spawn(command, ['-d', 'in_asm,exec,nochain', ...before], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(child, 'close');
  /** @type {Map<string, number>} instructions of the stretch at an address */
  const lengths = new Map();
  let start = '';
  let total = 0;
  for await (const line of createInterface({ input: child.stderr })) {
    if (line.startsWith('Trace')) {
      const address = /\/([0-9a-f]{16})\//.exec(line)?.[1] ?? '';
      const length = lengths.get(address);
      if (length === undefined) throw new Error(`the emulator ran what it did not list: ${line}`);
      total += length;
    } else if (line.startsWith('IN:')) {
      start = '';
    } else if (/^0x[0-9a-f]+:/.test(line)) {
      if (start === '') {
        start = line.slice(2, line.indexOf(':')).padStart(16, '0');
        lengths.set(start, 0);
      }
      lengths.set(start, (lengths.get(start) ?? 0) + 1);
    }
  }
  const [exitCode] = await ended;
  if (exitCode !== 0) throw new Error(`${args.join(' ')}: ended with ${exitCode}`);
  return total;
}

requireArm64Target();
const program = build();
for (const { format, rule, side } of CASES) {
  const pixels = side * Math.round((side * SOURCE.height) / SOURCE.width);
  const counts = [];
  for (const kernel of ['scalar', 'neon']) {
    const args = [kernel, format, rule, String(side)];
    const one = await instructionsOf(program, [...args, '1']);
    const two = await instructionsOf(program, [...args, '2']);
    counts.push((two - one) / pixels);
  }
  const [scalar = 0, neon = 0] = counts;
  console.log(
    `${format} → ${side}×${side} ${rule}: scalar ${scalar.toFixed(1)}, neon ${neon.toFixed(1)} ` +
      `instructions a pixel (${(scalar / neon).toFixed(1)} times fewer)`,
  );
}
