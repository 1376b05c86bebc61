/**
 * Everything that must hold before a change is kept: formatting, lint, types, import boundaries,
 * generated documents, C++ core tests, all tests. `--deep` adds the long counts. Any other argument
 * is part of a test file's name: only those tests run, and no checks.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { emulatesArm64 } from './setup/arm64-target.mjs';
import { packageArtifact } from './test-run/package-artifact.ts';
import { runCommand, stopRunningCommands } from './test-run/run-command.ts';
import { runInLanes } from './test-run/run-in-lanes.ts';
import { staticChecks, type StaticCheck } from './test-run/static-checks.ts';
import {
  add,
  NOTHING,
  ONE_FAILED,
  ONE_PASSED,
  readTally,
  summaryLine,
  type Tally,
} from './test-run/tally.ts';
import { runVitest } from './test-run/vitest-run.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const isDeep = process.argv.includes('--deep');
const filters = process.argv.slice(2).filter((argument) => argument !== '--deep');
/** A check that hangs is a failed check, not a run without an end. */
const timeoutMs = isDeep ? 4 * 3_600_000 : 20 * 60_000;

const MOST_LINES = 60;

const ARM64 = ['native/test/run.mjs', '--arch', 'arm64'];
const CORE_TESTS = [
  { title: 'C++ core, address and undefined-behaviour sanitizers', args: ['native/test/run.mjs'] },
  {
    title: 'C++ core, fuzzing',
    args: ['native/test/fuzz.mjs', '--seconds', isDeep ? '600' : '4'],
  },
];
const DEEP_CORE_TESTS = [
  ...(emulatesArm64()
    ? [
        { title: 'C++ core, emulated arm64', args: ARM64 },
        { title: 'C++ core, emulated arm64, address sanitizer', args: [...ARM64, '--address'] },
      ]
    : []),
  { title: 'C++ core, valgrind', args: ['native/test/run.mjs', '--valgrind'] },
];

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    stopRunningCommands(signal);
    process.exit(signal === 'SIGINT' ? 130 : 143);
  });
}

function report(title: string, tally: Tally, startedAtMs: number, output = ''): void {
  const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(1);
  const isSingle = tally.passed + tally.failed === 1;
  const counts = isSingle ? '' : `, ${summaryLine(tally)}`;
  const skipped = tally.skipped > 0 ? `, ${tally.skipped} skipped` : '';
  console.log(
    `${tally.failed === 0 ? 'ok    ' : 'FAILED'} ${title} (${seconds} s${counts}${skipped})`,
  );
  if (tally.failed > 0 && output !== '') showOutput(title, output);
}

/** The end of what a failed check said; all of it is in a file. */
function showOutput(title: string, output: string): void {
  const lines = output.trimEnd().split('\n');
  if (lines.length > MOST_LINES) {
    const file = `build/test/${title.replaceAll(/[^A-Za-z+]+/g, '-')}.log`;
    mkdirSync(join(root, 'build/test'), { recursive: true });
    writeFileSync(join(root, file), output);
    console.log(`    … ${lines.length} lines in ${file}, the last ${MOST_LINES}:`);
  }
  for (const line of lines.slice(-MOST_LINES)) console.log(`    ${line}`);
}

async function runStatic(check: StaticCheck): Promise<Tally> {
  const startedAtMs = performance.now();
  const { exitCode, output } = await runCommand(check.command, check.args, {
    cwd: root,
    timeoutMs,
  });
  const tally = exitCode === 0 ? ONE_PASSED : ONE_FAILED;
  report(
    check.title,
    tally,
    startedAtMs,
    check.remedy ? `${output}\nRemedy: ${check.remedy}` : output,
  );
  return tally;
}

async function runCoreTests({ title, args }: (typeof CORE_TESTS)[number]): Promise<Tally> {
  const startedAtMs = performance.now();
  const { exitCode, output } = await runCommand(process.execPath, args, { cwd: root, timeoutMs });
  const tally = readTally(output, exitCode);
  report(title, tally, startedAtMs, output);
  return tally;
}

/** What component tests run as a device would. Without it, as when only some tests run, they run the clone. */
let artifactZip: string | undefined;

async function runPackaging(): Promise<Tally> {
  const startedAtMs = performance.now();
  const { zip, output } = await packageArtifact(root, timeoutMs);
  artifactZip = zip;
  const tally = zip === undefined ? ONE_FAILED : ONE_PASSED;
  report('packaging', tally, startedAtMs, output);
  return tally;
}

let total = NOTHING;
if (filters.length === 0) {
  const core = [...CORE_TESTS, ...(isDeep ? DEEP_CORE_TESTS : [])];
  const checks = [
    runPackaging,
    ...core.map((tests) => () => runCoreTests(tests)),
    ...staticChecks(root).map((check) => () => runStatic(check)),
  ];
  // Two at a time: most of each keeps one core busy.
  total = await runInLanes(checks, 2, (check) => check());
}
const startedAtMs = performance.now();
const tests = await runVitest(root, { isDeep, filters, timeoutMs, artifactZip });
report('tests', tests, startedAtMs);
total = add(total, tests);
process.exitCode = total.failed === 0 ? 0 : 1;
console.log(summaryLine(total));
