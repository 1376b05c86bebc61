import { describe, expect, it } from 'vitest';
import { benchmarksPage, sectionText } from '../../bench/benchmarks-page.ts';
import { bytesTouched } from '../../bench/bytes-touched.ts';
import { fastest, jpegTargets } from '../../bench/jpeg-figures.ts';
import type { Timing } from '../../bench/measure-interleaved.ts';
import { pythonWith } from '../../bench/python-with.ts';
import { peerTables, rawTable, rawTargets, type MeasuredWork } from '../../bench/raw-figures.ts';
import { KEPT, FROM_NODE, OPENCV_CPP, OPENCV_PYTHON } from '../../bench/raw-names.ts';
import { atLeast, atMost } from '../../bench/reach.ts';
import { distance } from '../../bench/same-tensor.ts';
import type { Target } from '../../bench/section.ts';

function timing(name: string, medianMs: number): Timing {
  return {
    name,
    calls: 3,
    medianMs,
    lowestMs: medianMs,
    highestMs: medianMs,
    roundMediansMs: [medianMs, medianMs * 2],
  };
}

function work(side: number, times: Record<string, number>): MeasuredWork {
  const timings = new Map(Object.entries(times).map(([name, ms]) => [name, timing(name, ms)]));
  return { format: 'nv12', side, timings, levelsApart: 1 };
}

const ALL = { leftOut: { cpp: '', python: '' }, chosen: 'avx512' };
const OURS = { scalar: 4, avx2: 0.5, avx512: 0.25, [KEPT]: 0.2, [FROM_NODE]: 0.2 };

describe('figures to reach', () => {
  it('are reached from the figure on and say by which share they fall short', () => {
    const range = { lowest: 4, highest: 6 };
    expect(atLeast('a', 4.5, { ratio: 4.5, ...range })).toMatchObject({
      reach: '≥ 4.5×',
      got: '4.50×',
      byRound: '4.00×–6.00×',
      isReached: true,
    });
    expect(atLeast('a', 5, { ratio: 4, ...range }, 'because')).toMatchObject({
      isReached: false,
      missedBy: '20.0 %',
      reason: 'because',
    });
    expect(atMost('b', 2.5, { ratio: 2.5, ...range }).isReached).toBe(true);
    expect(atMost('b', 2.5, { ratio: 5, ...range })).toMatchObject({
      reach: '≤ 2.5×',
      isReached: false,
      missedBy: '50.0 %',
    });
  });

  it('of raw frames are judged kernel by kernel, and beside Python by calls from Node', () => {
    const times = { ...OURS, [OPENCV_CPP]: 2, [OPENCV_PYTHON]: 4 };
    const targets = rawTargets([work(640, times), work(224, times)], ALL);
    expect(
      targets.map((target) => 'isReached' in target && [target.got, target.isReached]),
    ).toEqual([
      ['4.00×', false],
      ['8.00×', true],
      ['20.00×', true],
      ['8.00×', true],
    ]);
  });

  it('of a peer that is missing stay on the page, with the reason', () => {
    const left = { cpp: 'No OpenCV.', python: 'No Python.' };
    const targets = rawTargets([work(640, OURS), work(224, OURS)], { ...ALL, leftOut: left });
    expect(targets.map((target) => 'notMeasured' in target && target.notMeasured)).toEqual([
      'No OpenCV.',
      'No OpenCV.',
      'No Python.',
      'No OpenCV.',
    ]);
  });

  it('of kernels that the processor lacks are not measured', () => {
    const { avx512: _, ...without } = OURS;
    const times = { ...without, [OPENCV_CPP]: 2, [OPENCV_PYTHON]: 8 };
    const targets = rawTargets([work(640, times)], { ...ALL, chosen: 'avx2' });
    expect(targets[1]).toMatchObject({ notMeasured: 'This processor has no avx512 kernels.' });
    expect(targets[2]).toMatchObject({ got: '40.00×' });
  });
});

describe('the table of raw frames', () => {
  const kernels = ['scalar', 'avx2', 'avx512'];

  it('has one row for each work and a column for each contender', () => {
    const { columns, rows } = rawTable([work(640, { ...OURS, [OPENCV_CPP]: 2 })], kernels);
    const row = Object.fromEntries(columns.map((column, index) => [column, rows[0]![index]]));
    expect(row).toMatchObject({
      milliseconds: 'NV12 → 640×640',
      avx512: '0.250',
      [OPENCV_CPP]: '2.00',
    });
    expect(columns.some((column) => column.includes('Python'))).toBe(false);
  });

  it('stands above one of ratios, for each kernel beside C++ and the chosen one beside Python', () => {
    const times = { ...OURS, [OPENCV_CPP]: 2, [OPENCV_PYTHON]: 4 };
    const [table, ...others] = peerTables([work(640, times)], kernels, ALL);
    expect(others).toEqual([]);
    expect(table!.columns.slice(1)).toEqual([
      'OpenCV C++ / scalar',
      'OpenCV C++ / avx2',
      'OpenCV C++ / avx512',
      'OpenCV Python / avx512',
      'apart, levels',
    ]);
    expect(table!.rows[0]!.slice(2)).toEqual([
      '4.00× (4.0–4.0)',
      '8.00× (8.0–8.0)',
      '16.00× (16.0–16.0)',
      '1.0',
    ]);
    expect(table!.says).toContain('OpenCV Python takes 16.00×');
  });

  it('does without peers', () => {
    const { columns, rows } = rawTable([work(640, OURS)], kernels);
    expect(columns.filter((column) => column.includes('OpenCV'))).toEqual([]);
    expect(rows[0]).toHaveLength(columns.length);
    expect(peerTables([work(640, OURS)], kernels, ALL)).toEqual([]);
  });
});

describe('the page', () => {
  it('says what is reached, what falls short and why, and what was not measured', () => {
    const measured = { what: 'a', reach: '≥ 2×', got: '3.00×', byRound: '2.00×–4.00×' };
    const targets: Target[] = [
      { ...measured, isReached: true, missedBy: '' },
      { ...measured, what: 'b', isReached: false, missedBy: '5.0 %', reason: 'Memory is slow.' },
      { what: 'c', reach: '≥ 8×', notMeasured: 'No OpenCV.' },
      { what: 'd', reach: '≥ 8×', notMeasured: 'No OpenCV.' },
    ];
    const section = { name: 's', title: 'S' };
    const report = { method: '', tables: [], targets };
    const page = benchmarksPage([{ section, report, seconds: 1 }], []);
    expect(page).toContain('1 of 2 figures are reached in this run.');
    expect(page).toContain('- b falls short by 5.0 %. Memory is slow.');
    expect(page).toContain('- Not measured in this run: c; d. No OpenCV.');
    expect(page).toMatch(/\| c +\| ≥ 8× +\| – +\| +\| not measured/);
    expect(page).toMatch(/\| a .*2\.00×–4\.00× +\| reached/);
    // Also of one section that is measured by itself.
    const text = sectionText({ section, report, seconds: 1 });
    expect(text).toMatch(/\nb +≥ 2× +3\.00× +2\.00×–4\.00× +falls short by 5\.0 %\n/);
    expect(text).toContain('- b falls short by 5.0 %. Memory is slow.');
  });
});

describe('pythonWith', () => {
  it('takes the first Python that has everything', () => {
    const found = pythonWith(['cv2'], (command) =>
      command === 'python3' ? "No module named 'cv2'" : undefined,
    );
    expect(found.command).toBe('/usr/bin/python3');
  });

  it('tells what each lacks when none has', () => {
    const found = pythonWith(['cv2'], () => 'not installed');
    expect(found.command).toBeUndefined();
    expect(found.missing).toBe('python3: not installed; /usr/bin/python3: not installed');
  });
});

describe('bytesTouched', () => {
  const frame = { width: 1920, height: 1080 } as const;

  it('counts the rows that bilinear reads: one of three at a ratio of three', () => {
    const work = { ...frame, side: 640, interpolation: 'bilinear' } as const;
    const tensor = 3 * 640 * 360 * 4;
    expect(bytesTouched({ ...work, format: 'nv12' })).toBe(360 * 1920 + 360 * 1920 + tensor);
    expect(bytesTouched({ ...work, format: 'yuyv' })).toBe(360 * 3840 + tensor);
  });

  it('counts the whole frame for area, and two rows of source for each at other ratios', () => {
    const area = { ...frame, format: 'nv12', side: 640, interpolation: 'area' } as const;
    expect(bytesTouched(area)).toBe(1080 * 1.5 * 1920 + 3 * 640 * 360 * 4);
    const small = { ...frame, format: 'nv12', side: 224, interpolation: 'bilinear' } as const;
    const rows = (bytesTouched(small) - 3 * 224 * 126 * 4) / 1920;
    expect(rows).toBeGreaterThan(2 * 126);
    expect(rows).toBeLessThanOrEqual(4 * 126);
  });
});

describe('distance of tensors', () => {
  it('is given in grey levels, mean and most', () => {
    const a = Float32Array.of(0, 0.5, 1, 0);
    const b = Float32Array.of(0, 0.5, 1, 4 / 255);
    expect(distance(a, b).mean).toBeCloseTo(1);
    expect(distance(a, b).most).toBeCloseTo(4);
  });

  it('is infinite where a value was never written, and refuses another shape', () => {
    expect(distance(Float32Array.of(NaN), Float32Array.of(0)).most).toBe(Infinity);
    expect(() => distance(Float32Array.of(1), Float32Array.of(1, 2))).toThrow(/same work/);
  });
});

describe('the best of the peer’s ways', () => {
  const way = (name: string, levelsApart: number, trialMs: number) => ({
    name,
    levelsApart,
    trialMs,
  });

  it('is the quickest that makes the same tensor, beside the quickest of all', () => {
    const ways = [way('exact', 0, 9), way('near', 3.9, 6), way('other', 8, 4)];
    const { same, any } = fastest(ways);
    expect([same.name, any.name]).toEqual(['near', 'other']);
  });

  it('may be both, and has to exist', () => {
    const { same, any } = fastest([way('exact', 0, 3), way('other', 8, 4)]);
    expect(same).toBe(any);
    expect(() => fastest([way('other', 8, 4)])).toThrow(/within 4 grey levels/);
  });

  it('decides whether a JPEG reaches its figure', () => {
    const peer = (ms: number) => ({ timing: timing('sharp', ms), levelsApart: 1 });
    const jpeg = { picture: 'busy', rule: 'bilinear', addon: timing('addon', 5) };
    const works = [
      { ...jpeg, side: 640, same: peer(10), any: peer(1) },
      { ...jpeg, side: 224, same: peer(7), any: peer(7) },
      { ...jpeg, rule: 'area', side: 224, same: peer(7), any: peer(7) },
    ];
    const targets = jpegTargets(works);
    expect(targets.map((target) => 'isReached' in target && target.isReached)).toEqual([
      true,
      false,
    ]);
    expect(targets[1]).toMatchObject({ reach: '≥ 1.6×', got: '1.40×', missedBy: '12.5 %' });
  });
});
