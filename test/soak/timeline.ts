import type { SoakRun } from './soak-run.ts';
import { STREAM_CAMERAS } from './soak-scene.ts';

const WIDTH = 960;
const LEFT = 130;
const ROW = 18;
const TOP = 34;
const MEMORY_HEIGHT = 90;
/** Distinct also for those who do not see all colours (Okabe and Ito). */
const COLOURS: Readonly<Record<string, string>> = {
  running: '#009e73',
  starting: '#56b4e9',
  reconnecting: '#e69f00',
  stalled: '#f0e442',
  failed: '#d55e00',
  disabled: '#999999',
};
const FAULT_COLOUR = '#cc79a7';
const MEMORY_COLOUR = '#0072b2';
const FAULT_ROWS = {
  'RTSP faults': 'gate',
  'HTTP faults': 'belt',
  'broker away': 'broker',
  'receiver fails': 'receiver',
  'PLC faults': 'plc',
  configuration: 'configuration',
  'disk hangs': 'disk',
} as const;

/** What was broken when, what the cameras said of themselves, and the memory, as an SVG. */
export function timeline(run: SoakRun): string {
  const lengthMs = run.toMs - run.fromMs;
  const atX = (atMs: number) =>
    LEFT + (Math.min(Math.max(atMs - run.fromMs, 0), lengthMs) / lengthMs) * (WIDTH - LEFT - 10);
  const rows: { readonly title: string; readonly bars: string[] }[] = [];
  const bar = (fromMs: number, toMs: number, row: number, colour: string, title: string) => {
    const x = atX(fromMs);
    const width = Math.max(atX(toMs) - x, 1);
    const y = TOP + row * ROW + 2;
    return `<rect x="${x.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="${ROW - 4}" fill="${colour}"><title>${title}</title></rect>`;
  };
  for (const [title, part] of Object.entries(FAULT_ROWS)) {
    const faults = run.injected.filter(({ affects }) => affects[0] === part);
    const row = rows.length;
    const bars = faults.map(({ name, fromMs, toMs }) => bar(fromMs, toMs, row, FAULT_COLOUR, name));
    rows.push({ title, bars });
  }
  const lives = rows.length;
  rows.push({
    title: 'runtime',
    bars: run.lives.map(({ fromMs, toMs, end }) =>
      bar(fromMs, toMs ?? run.toMs, lives, COLOURS['running']!, `until ${end ?? 'now'}`),
    ),
  });
  for (const camera of STREAM_CAMERAS) {
    const row = rows.length;
    rows.push({ title: `camera ${camera}`, bars: stateBars(run, camera, row, bar) });
  }
  const memoryTop = TOP + rows.length * ROW + 16;
  const legendY = memoryTop + MEMORY_HEIGHT + 44;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${legendY + 14}" font-family="sans-serif" font-size="12" fill="#222">`,
    `<rect width="${WIDTH}" height="${legendY + 14}" fill="#fff"/>`,
    text(WIDTH / 2, 20, 'Faults, and what the cameras said of themselves', 'middle', 15),
    ...rows.flatMap(({ title, bars }, row) => [
      text(LEFT - 8, TOP + row * ROW + 13, title, 'end'),
      ...bars,
    ]),
    ...memory(run, memoryTop, atX),
    ...minutes(lengthMs, memoryTop + MEMORY_HEIGHT, (ms) => atX(run.fromMs + ms)),
    ...Object.entries(COLOURS).flatMap(([state, colour], index) => [
      `<rect x="${LEFT + index * 110}" y="${legendY}" width="12" height="12" fill="${colour}"/>`,
      text(LEFT + index * 110 + 17, legendY + 10, state),
    ]),
    '</svg>',
  ];
  return `${parts.join('\n')}\n`;
}

/** Samples of the same state in a row are one bar. */
function stateBars(
  { samples }: SoakRun,
  camera: string,
  row: number,
  bar: (fromMs: number, toMs: number, row: number, colour: string, title: string) => string,
): string[] {
  const bars: string[] = [];
  let first = samples[0];
  let last = first;
  const close = () => {
    if (!first || !last) return;
    const { state = 'unknown', reason } = first.cameras[camera] ?? {};
    const title = reason === undefined ? state : `${state}: ${reason}`;
    bars.push(bar(first.atMs, last.atMs, row, COLOURS[state] ?? '#222222', title));
  };
  for (const sample of samples) {
    const isSame =
      sample.life === first?.life && sample.cameras[camera]?.state === first.cameras[camera]?.state;
    if (!isSame) {
      if (sample.life === last?.life) last = sample;
      close();
      first = sample;
    }
    last = sample;
  }
  close();
  return bars;
}

function memory({ samples }: SoakRun, top: number, atX: (atMs: number) => number): string[] {
  const most = Math.max(...samples.map(({ residentBytes }) => residentBytes));
  const ceiling = Math.ceil(most / 100e6) * 100e6;
  const atY = (bytes: number) => top + MEMORY_HEIGHT - (bytes / ceiling) * MEMORY_HEIGHT;
  const lines = Map.groupBy(samples, ({ life }) => life);
  return [
    text(LEFT - 8, top + 10, `${ceiling / 1e6} MB`, 'end'),
    text(LEFT - 8, top + MEMORY_HEIGHT, '0', 'end'),
    text(LEFT - 8, top + MEMORY_HEIGHT / 2 + 4, 'resident memory', 'end'),
    ...[...lines.values()].map((life) => {
      const points = life.map(
        ({ atMs, residentBytes }) => `${atX(atMs).toFixed(1)},${atY(residentBytes).toFixed(1)}`,
      );
      return `<polyline points="${points.join(' ')}" fill="none" stroke="${MEMORY_COLOUR}"/>`;
    }),
  ];
}

function minutes(lengthMs: number, y: number, atX: (ms: number) => number): string[] {
  const stepMs = [10_000, 30_000, 60_000, 300_000].find((step) => lengthMs / step <= 12) ?? 600_000;
  const marks = Array.from(
    { length: Math.floor(lengthMs / stepMs) + 1 },
    (_, index) => index * stepMs,
  );
  return [
    `<path d="M${LEFT} ${y}H${WIDTH - 10}" stroke="#444"/>`,
    ...marks.map((ms) => text(atX(ms), y + 16, (ms / 60_000).toLocaleString('en-GB'), 'middle')),
    text(WIDTH / 2, y + 34, 'minutes', 'middle'),
  ];
}

const text = (x: number, y: number, words: string, anchor = 'start', size = 12) =>
  `<text x="${x.toFixed(1)}" y="${y}" text-anchor="${anchor}" font-size="${size}">${words}</text>`;
