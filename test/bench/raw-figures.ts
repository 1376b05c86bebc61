import { compare, type Comparison, type Timing } from './measure-interleaved.ts';
import { digits, ratio } from './number-text.ts';
import { FROM_NODE, KEPT, OPENCV_CPP, OPENCV_PYTHON, PEERS } from './raw-names.ts';
import { atLeast } from './reach.ts';
import type { Table, Target } from './section.ts';

/** What was measured of one work, by the name of the contender. */
export interface MeasuredWork {
  readonly format: string;
  readonly side: number;
  readonly timings: ReadonlyMap<string, Timing>;
  /** How far the peers' tensors are from ours, in grey levels. */
  readonly levelsApart: number;
}

export interface Circumstances {
  /** Which kernels the addon chooses on this processor. */
  readonly chosen: string;
  /** Why a peer is left out; empty when it is not. */
  readonly leftOut: { readonly cpp: string; readonly python: string };
}

interface Figure {
  readonly side: number;
  /** `undefined`: those that this processor chooses. */
  readonly kernel?: string;
  readonly peer: typeof OPENCV_CPP | typeof OPENCV_PYTHON;
  readonly least: number;
}

const FIGURES: readonly Figure[] = [
  { side: 640, kernel: 'avx2', peer: OPENCV_CPP, least: 4.5 },
  { side: 640, kernel: 'avx512', peer: OPENCV_CPP, least: 8 },
  { side: 640, peer: OPENCV_PYTHON, least: 15 },
  { side: 224, peer: OPENCV_CPP, least: 8 },
];

/** The figures to reach of raw frames: one target for each figure and format, measured or not. */
export function rawTargets(
  works: readonly MeasuredWork[],
  { chosen, leftOut }: Circumstances,
): Target[] {
  return FIGURES.flatMap(({ side, kernel = chosen, peer, least }) =>
    works
      .filter((work) => work.side === side)
      .map(({ format, timings }): Target => {
        // Python's figures hold its calls, so ours hold Node's.
        const isFromNode = peer === OPENCV_PYTHON;
        const what = `${format.toUpperCase()} 1920×1080 → ${side}×${side} with ${kernel}${isFromNode ? ', from Node,' : ''} beside ${peer}`;
        const ours = timings.get(isFromNode ? FROM_NODE : kernel);
        const theirs = timings.get(peer);
        if (ours === undefined || theirs === undefined) {
          const reason = peer === OPENCV_CPP ? leftOut.cpp : leftOut.python;
          const notMeasured =
            theirs === undefined ? reason : `This processor has no ${kernel} kernels.`;
          return { what, reach: `≥ ${least}×`, notMeasured };
        }
        return atLeast(what, least, compare(ours, theirs));
      }),
  );
}

const times = (value: Comparison): string =>
  `${ratio(value.ratio)} (${value.lowest.toFixed(1)}–${value.highest.toFixed(1)})`;

/** Milliseconds of everyone, one row for each work. */
export function rawTable(works: readonly MeasuredWork[], kernels: readonly string[]): Table {
  const timed = [...kernels, KEPT, FROM_NODE, ...peersOf(works)];
  return {
    columns: ['milliseconds', ...timed],
    rows: works.map(({ format, side, timings }) => [
      title(format, side),
      ...timed.map((name) => digits(timings.get(name)?.medianMs ?? NaN)),
    ]),
    says: 'The first columns are the kernels, one by one.',
  };
}

/** Peers by ours, one row for each work; no table where no peer was measured. */
export function peerTables(
  works: readonly MeasuredWork[],
  kernels: readonly string[],
  { chosen }: Circumstances,
): Table[] {
  const peers = peersOf(works);
  if (peers.length === 0) return [];
  const pairs = peers.flatMap((peer) =>
    (peer === OPENCV_CPP ? kernels : [chosen]).map((kernel) => ({ peer, kernel })),
  );
  return [
    {
      columns: [
        'times as long (by round)',
        ...pairs.map(({ peer, kernel }) => `${peer} / ${kernel}`),
        'apart, levels',
      ],
      rows: works.map(({ format, side, timings, levelsApart }) => [
        title(format, side),
        ...pairs.map(({ peer, kernel }) =>
          times(compare(timings.get(kernel)!, timings.get(peer)!)),
        ),
        levelsApart.toFixed(1),
      ]),
      says: says(works, peers, chosen),
    },
  ];
}

function peersOf(works: readonly MeasuredWork[]): string[] {
  return PEERS.filter((peer) => works.some(({ timings }) => timings.has(peer)));
}

const title = (format: string, side: number): string => `${format.toUpperCase()} → ${side}×${side}`;

function says(works: readonly MeasuredWork[], peers: readonly string[], chosen: string): string {
  const parts = peers.map((peer) => {
    const ratios = works
      .map(({ timings }) => compare(timings.get(chosen)!, timings.get(peer)!).ratio)
      .sort((a, b) => a - b);
    return `${peer} takes ${ratio(ratios[0]!)} to ${ratio(ratios.at(-1)!)} the time of ${chosen}`;
  });
  return `${parts.join('; ')}.`;
}
