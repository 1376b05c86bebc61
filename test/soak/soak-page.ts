import type { Accounts } from './accounts.ts';
import { seconds, type SoakRun } from './soak-run.ts';
import { DEADLINE_MS } from './soak-scene.ts';

const MOST_LISTED = 40;

/** What came of a soak, as Markdown. */
export function soakPage(run: SoakRun, accounts: Accounts, surroundings: string): string {
  const { unexplained, gaps, counts, recoveriesMs, answersMs } = accounts;
  const faults = Map.groupBy(run.injected, ({ name }) => name);
  const minutes = ((run.toMs - run.fromMs) / 60_000).toFixed(1);
  const lines = [
    '# Soak',
    '',
    `Written by \`npm run soak\`: ${minutes} minutes, ${run.injected.length} faults at random, ${surroundings}`,
    '',
    'Two stream cameras (RTSP through ffmpeg, HTTP), a triggered one with a deadline, pictures handed over, triggers over HTTP, MQTT and a coil of a PLC with a flood of 200 at once each minute, verdicts told to a webhook, a topic and a register of the PLC, results sent to a broker. Each frame, trigger, picture and verdict is then held against the registry and against what its sender and receiver saw.',
    '',
    unexplained.length === 0
      ? '**Nothing is unexplained**: every frame was judged or dropped with a reason, every trigger that was taken has one end and one result, every silence of a camera has its fault.'
      : `**${unexplained.length} things are unexplained:**`,
    ...unexplained.slice(0, MOST_LISTED).map((one) => `- ${one}`),
    ...(unexplained.length > MOST_LISTED
      ? [`- … and ${unexplained.length - MOST_LISTED} more`]
      : []),
    '',
    '![What was broken when, the states of the cameras, the memory](soak/timeline.svg)',
    '',
    '## What became of everything',
    '',
    '| what | what became of it |',
    '| --- | --- |',
    ...Object.entries(counts).map(
      ([what, became]) =>
        `| ${what} | ${Object.entries(became)
          .map(([how, count]) => `${count} ${how}`)
          .join(', ')} |`,
    ),
    '',
    `Triggers that were answered over HTTP while no fault was near took ${quantiles(answersMs)} ms (deadline ${DEADLINE_MS} ms).`,
    '',
    '## Faults, and how soon the camera was back',
    '',
    'From the end of the fault to the first frame, looked at twice a second; the runtime is away or busy with another fault at some of them.',
    '',
    '| fault | times | back after: median, longest |',
    '| --- | --- | --- |',
    ...[...faults].map(
      ([name, { length }]) => `| ${name} | ${length} | ${recovery(recoveriesMs[name])} |`,
    ),
    '',
    `Silences of cameras: ${gaps.length}, the longest ${seconds(Math.max(0, ...gaps.map(({ fromMs, toMs }) => toMs - fromMs)))} s.`,
    '',
    '## Growth',
    '',
    ...growth(run),
    '',
  ];
  return lines.join('\n');
}

function recovery(timesMs: readonly number[] | undefined): string {
  if (!timesMs) return '–';
  const sorted = timesMs.toSorted((a, b) => a - b);
  return `${seconds(sorted[Math.floor(sorted.length / 2)]!)} s, ${seconds(sorted.at(-1)!)} s`;
}

function quantiles(sorted: readonly number[]): string {
  const at = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return `${at(0.5)} (median), ${at(0.99)} (p99), ${at(1)} (longest)`;
}

/** Of the longest life: half a minute after its start, and at its end. */
function growth({ samples, lives }: SoakRun): string[] {
  const byLife = [...Map.groupBy(samples, ({ life }) => life).values()];
  const longest = byLife.toSorted((a, b) => b.length - a.length)[0] ?? [];
  const settled = longest.find(({ atMs }) => atMs > longest[0]!.atMs + 30_000);
  const last = longest.at(-1);
  if (!settled || !last) return ['No life of the runtime was long enough to tell.'];
  const of = ({ residentBytes, descriptors, children }: typeof last) =>
    `${Math.round(residentBytes / 1e6)} MB resident, ${descriptors} descriptors, ${children} child processes`;
  return [
    `The runtime lived ${lives.length} times. In its longest life, of ${seconds(last.atMs - longest[0]!.atMs)} s: ${of(settled)} after half a minute; ${of(last)} at its end.`,
  ];
}
