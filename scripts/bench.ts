/** `npm run bench`: measures, and writes docs/BENCHMARKS.md when everything was measured. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { format, resolveConfig } from 'prettier';
import {
  benchmarksPage,
  sectionText,
  type MeasuredSection,
} from '../test/bench/benchmarks-page.ts';
import type { Section } from '../test/bench/section.ts';
import { SECTIONS } from '../test/bench/sections.ts';
import { endProcesses } from '../test/bench/server-process.ts';
import { surroundings } from '../test/bench/surroundings.ts';

const USAGE = `npm run bench [-- [--peers] [--only <section>[,<section>…]]]

Sections: ${SECTIONS.map(({ name }) => name).join(', ')}.
All of them take about 15 minutes and are written to docs/BENCHMARKS.md; a choice is only printed.
--peers also measures OpenCV in C++ and Python: apt-get install libopencv-dev pkg-config python3-opencv.`;

const root = path.join(import.meta.dirname, '..');
const folder = mkdtempSync(path.join(tmpdir(), 'vedette-bench-'));
const startedAtMs = performance.now();

process.on('exit', () => {
  endProcesses();
  rmSync(folder, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));

interface Choice {
  readonly sections: readonly Section[];
  readonly hasPeers: boolean;
}

const chosen = choose();
if (chosen) await bench(chosen);

/** `undefined` when only help was wanted or the arguments cannot be used. */
function choose(): Choice | undefined {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: 'string', multiple: true },
        peers: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h' },
      },
    });
    if (values.help) {
      console.log(USAGE);
      return undefined;
    }
    const names = values.only?.flatMap((list) => list.split(','));
    const unknown =
      names?.filter((name) => !SECTIONS.some((section) => section.name === name)) ?? [];
    if (unknown.length > 0) throw new Error(`Unknown section «${unknown.join(', ')}».`);
    const sections = names ? SECTIONS.filter(({ name }) => names.includes(name)) : SECTIONS;
    return { sections, hasPeers: values.peers };
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    process.exitCode = 2;
    return undefined;
  }
}

async function bench({ sections, hasPeers }: Choice): Promise<void> {
  // Before this run adds a load of its own.
  const around = surroundings(root, commandLine());
  const measured: MeasuredSection[] = [];
  for (const section of sections) {
    measured.push(await measure(section, hasPeers));
  }
  if (sections === SECTIONS) await writePage(measured, around);
  else console.log('\ndocs/BENCHMARKS.md is written by a run of all sections.');
}

/** A section that fails does not take the others along: the page says that it was not measured. */
async function measure(section: Section, hasPeers: boolean): Promise<MeasuredSection> {
  const beginMs = performance.now();
  try {
    const report = await section.run({
      root,
      folder: path.join(folder, section.name),
      hasPeers,
      progress: (text) => console.error(`${elapsed()} ${section.name}: ${text}`),
    });
    const result = { section, report, seconds: (performance.now() - beginMs) / 1000 };
    console.log(sectionText(result));
    return result;
  } catch (error) {
    const { message } = error as Error;
    console.error(`${elapsed()} ${section.name} failed: ${message}`);
    process.exitCode = 1;
    const method = `Not measured in this run: ${message.split('\n')[0]}`;
    return { section, report: { tables: [], method }, seconds: 0 };
  }
}

function commandLine(): string {
  const words = process.argv.slice(2);
  return ['npm run bench', ...(words.length > 0 ? ['--', ...words] : [])].join(' ');
}

function elapsed(): string {
  return `[${((performance.now() - startedAtMs) / 1000).toFixed(0).padStart(4)} s]`;
}

async function writePage(
  measured: readonly MeasuredSection[],
  around: ReturnType<typeof surroundings>,
): Promise<void> {
  const page = path.join(root, 'docs/BENCHMARKS.md');
  const plots = path.join(root, 'docs/benchmarks');
  mkdirSync(plots, { recursive: true });
  for (const file of readdirSync(plots)) rmSync(path.join(plots, file));
  for (const { file, svg } of measured.flatMap(({ report }) => report.plots ?? [])) {
    writeFileSync(path.join(plots, file), svg);
  }
  const options = await resolveConfig(page);
  const text = benchmarksPage(measured, around);
  writeFileSync(page, await format(text, { ...options, filepath: page }));
  console.log(`\ndocs/BENCHMARKS.md and docs/benchmarks are written (${elapsed()}).`);
}
