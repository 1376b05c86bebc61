import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Detection } from '../../../../component/contract/result.ts';
import {
  ByteTracker,
  MAX_FOLLOWED,
  MAX_TRACKS,
  type TrackerSettings,
} from '../../../../component/pipeline/tracking/byte-tracker.ts';

const SETTINGS: TrackerSettings = { minOverlap: 0.1, maxLostMs: 1000, confirmFrames: 2 };
const isSure = ({ score }: Detection) => score >= 0.5;

const seenAt = (x: number, y = 100, score = 0.9, label = 'person'): Detection => ({
  label,
  labelIndex: label === 'person' ? 0 : 2,
  score,
  box: { x, y, width: 30, height: 60 },
});

function newTracker(settings: Partial<TrackerSettings> = {}) {
  let last = 0;
  const tracker = new ByteTracker({ ...SETTINGS, ...settings }, () => (last += 1));
  return {
    tracker,
    /** Ids in the order of the detections; 0 where there is none. */
    see: (atMs: number, ...detections: Detection[]) =>
      tracker.update(detections, isSure, atMs).tracks.map((track) => track?.id ?? 0),
    given: () => last,
  };
}

describe('births and deaths', () => {
  it('numbers an object in the second frame that shows it', () => {
    const { see } = newTracker();
    expect(see(0, seenAt(0))).toEqual([0]);
    expect(see(100, seenAt(2))).toEqual([1]);
    expect(see(200, seenAt(4), seenAt(300))).toEqual([1, 0]);
    expect(see(300, seenAt(6), seenAt(302))).toEqual([1, 2]);
  });

  it('numbers at once when one frame is enough', () => {
    expect(newTracker({ confirmFrames: 1 }).see(0, seenAt(0), seenAt(200))).toEqual([1, 2]);
  });

  it('gives no number to what shows in one frame only', () => {
    const { see, given } = newTracker();
    see(0, seenAt(0));
    see(100);
    see(200, seenAt(0));
    see(300);
    expect(given()).toBe(0);
  });

  it('begins no track with an unsure detection', () => {
    const { see, given } = newTracker();
    for (let i = 0; i < 5; i += 1) see(i * 100, seenAt(i, 100, 0.3));
    expect(given()).toBe(0);
  });

  it('ends an object that is hidden for longer than allowed, and numbers it anew', () => {
    const { tracker, see } = newTracker();
    see(0, seenAt(0));
    see(100, seenAt(0));
    expect(tracker.update([], isSure, 1100).alive).toHaveLength(1);
    expect(tracker.update([], isSure, 1101).ended.map(({ id }) => id)).toEqual([1]);
    see(1200, seenAt(0));
    expect(see(1300, seenAt(0))).toEqual([2]);
  });

  it('forgets everything at a reset', () => {
    const { tracker, see } = newTracker();
    see(0, seenAt(0));
    see(100, seenAt(0));
    expect(tracker.reset().map(({ id }) => id)).toEqual([1]);
    see(200, seenAt(0));
    expect(see(300, seenAt(0))).toEqual([2]);
  });
});

describe('keeping numbers', () => {
  it('keeps an object whose score falls while it is half hidden', () => {
    const { see } = newTracker();
    see(0, seenAt(0));
    see(100, seenAt(5));
    expect(see(200, seenAt(10, 100, 0.15))).toEqual([1]);
    expect(see(300, seenAt(15, 100, 0.12))).toEqual([1]);
    expect(see(400, seenAt(20))).toEqual([1]);
  });

  it('finds an object again where it must be after it was hidden', () => {
    const { see } = newTracker();
    for (let i = 0; i < 6; i += 1) see(i * 100, seenAt(i * 10));
    // Without motion it would be sought 50 pixels behind, where nothing overlaps.
    expect(see(1000, seenAt(100))).toEqual([1]);
  });

  it('tells two objects apart that cross each other', () => {
    const { see } = newTracker();
    const idsOf = new Map<string, Set<number>>([
      ['right', new Set()],
      ['left', new Set()],
    ]);
    for (let i = 0; i <= 40; i += 1) {
      const [right, left] = see(i * 100, seenAt(i * 10, 100), seenAt(400 - i * 10, 112));
      idsOf.get('right')!.add(right!);
      idsOf.get('left')!.add(left!);
    }
    expect([...idsOf.get('right')!]).toEqual([0, 1]);
    expect([...idsOf.get('left')!]).toEqual([0, 2]);
  });

  it('tells them apart when the nearer one hides the other for half a second', () => {
    const { see } = newTracker();
    const [right, left] = [new Set<number>(), new Set<number>()];
    for (let i = 0; i <= 40; i += 1) {
      const isHidden = i >= 18 && i <= 22;
      const ids = isHidden
        ? see(i * 100, seenAt(i * 10, 100))
        : see(i * 100, seenAt(i * 10, 100), seenAt(400 - i * 10, 110));
      right.add(ids[0]!);
      if (!isHidden) left.add(ids[1]!);
    }
    expect([...right]).toEqual([0, 1]);
    expect([...left]).toEqual([0, 2]);
  });

  it('follows through frames that were dropped, at any interval', () => {
    const { see, given } = newTracker();
    let atMs = 0;
    see(atMs, seenAt(0));
    for (const gapMs of [40, 40, 80, 40, 200, 40, 400, 120, 40, 600, 40]) {
      atMs += gapMs;
      see(atMs, seenAt(atMs / 20));
    }
    expect(given()).toBe(1);
  });

  it('never continues a person as a car', () => {
    const { see } = newTracker();
    see(0, seenAt(0));
    see(100, seenAt(0));
    expect(see(200, seenAt(0, 100, 0.9, 'car'))).toEqual([0]);
    expect(see(300, seenAt(0, 100, 0.9, 'car'))).toEqual([2]);
  });

  it('takes a frame whose clock was set back for one of the same moment', () => {
    const { see } = newTracker();
    see(10_000, seenAt(0));
    see(10_100, seenAt(1));
    expect(see(3000, seenAt(2))).toEqual([1]);
    expect(see(10_200, seenAt(3))).toEqual([1]);
  });

  it('gives what is seen to the older of two tracks on one object', () => {
    const { see } = newTracker();
    for (let i = 0; i < 3; i += 1) see(i * 100, seenAt(0));
    see(300);
    // Too far off to continue the first, it becomes another, and then walks into its place.
    see(400, seenAt(29));
    expect(see(500, seenAt(29))).toEqual([2]);
    const ids = [24, 18, 12, 7, 3, 1, 0].map((x, i) => see(600 + i * 30, seenAt(x))[0]);
    expect(ids.at(-1)).toBe(1);
  });
});

describe('too many objects', () => {
  const crowd = (count: number, shift = 0) =>
    Array.from({ length: count }, (_, i) =>
      seenAt((i % 64) * 40 + shift, Math.floor(i / 64) * 70, 0.5 + i / 10_000),
    );

  it('only the best are followed, and the others counted', () => {
    const { tracker, given } = newTracker();
    expect(tracker.update(crowd(4096), isSure, 0).leftOut).toBe(4096 - MAX_FOLLOWED);
    const { tracks, leftOut } = tracker.update(crowd(4096, 1), isSure, 100);
    expect(leftOut).toBe(4096 - MAX_FOLLOWED);
    expect(given()).toBe(MAX_FOLLOWED);
    const followed = tracks.flatMap((track, index) => (track ? index : []));
    expect(followed).toEqual(Array.from({ length: MAX_FOLLOWED }, (_, i) => 3896 + i));
  });

  it('no others are begun beside the most that are followed, hidden ones among them', () => {
    const { tracker } = newTracker({ confirmFrames: 1 });
    expect(tracker.update(crowd(MAX_FOLLOWED), isSure, 0).leftOut).toBe(0);
    const elsewhere = crowd(MAX_FOLLOWED, 5000);
    const { alive, leftOut } = tracker.update(elsewhere, isSure, 100);
    expect(alive).toHaveLength(MAX_TRACKS);
    expect(leftOut).toBe(2 * MAX_FOLLOWED - MAX_TRACKS);
    // Those that are hidden for too long make room.
    expect(tracker.update(elsewhere, isSure, 1001).leftOut).toBe(0);
  });

  it('unsure ones never take the place of sure ones', () => {
    const { tracker } = newTracker({ confirmFrames: 1 });
    const unsure = Array.from({ length: 4000 }, (_, i) => seenAt(i * 40, 900, 0.4));
    const sure = crowd(MAX_FOLLOWED);
    const { tracks, leftOut } = tracker.update([...unsure, ...sure], isSure, 0);
    expect(leftOut).toBe(0);
    expect(tracks.filter((track) => track)).toHaveLength(MAX_FOLLOWED);
  });
});

describe('whatever comes', () => {
  const detection = fc.record({
    x: fc.integer({ min: 0, max: 300 }),
    y: fc.integer({ min: 0, max: 200 }),
    score: fc.constantFrom(0.1, 0.3, 0.5, 0.7, 0.95),
    label: fc.constantFrom('person', 'car'),
  });
  const frame = fc.record({
    gapMs: fc.constantFrom(0, 33, 100, 700, 1500),
    detections: fc.array(detection, { maxLength: 6 }),
  });

  it('a number belongs to one detection of a frame, to one label, and is never given again', () => {
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 30 }), (frames) => {
        const { tracker } = newTracker();
        const labels = new Map<number, string>();
        const ended = new Set<number>();
        let atMs = 0;
        for (const { gapMs, detections } of frames) {
          atMs += gapMs;
          const seen = tracker.update(
            detections.map(({ x, y, score, label }) => seenAt(x, y, score, label)),
            isSure,
            atMs,
          );
          const ids = seen.tracks.flatMap((track) => (track ? [track.id!] : []));
          expect(new Set(ids).size).toBe(ids.length);
          for (const track of seen.ended) ended.add(track.id!);
          for (const { id, label, box } of seen.alive) {
            expect(ended.has(id!)).toBe(false);
            expect(labels.get(id!) ?? label).toBe(label);
            labels.set(id!, label);
            expect(Object.values(box).every(Number.isFinite)).toBe(true);
          }
          for (const id of ids) expect(seen.alive.some((track) => track.id === id)).toBe(true);
        }
      }),
      { numRuns: process.env['VEDETTE_DEEP'] === '1' ? 3000 : 200 },
    );
  });

  it('objects that stay apart keep their numbers, in whatever order they are listed', () => {
    const scene = fc.record({
      speeds: fc.array(fc.integer({ min: -8, max: 8 }), { minLength: 1, maxLength: 8 }),
      shuffles: fc.array(fc.integer({ min: 0, max: 7 }), { minLength: 15, maxLength: 15 }),
      gaps: fc.array(fc.integer({ min: 20, max: 130 }), { minLength: 15, maxLength: 15 }),
    });
    fc.assert(
      fc.property(scene, ({ speeds, shuffles, gaps }) => {
        const { tracker, given } = newTracker();
        const owners = new Map<number, number>();
        let atMs = 0;
        shuffles.forEach((turn, index) => {
          atMs += gaps[index]!;
          const rows = speeds.map((speed, row) => ({ row, x: 500 + (speed * atMs) / 100 }));
          const turned = [...rows.slice(turn % rows.length), ...rows.slice(0, turn % rows.length)];
          const { tracks } = tracker.update(
            turned.map(({ row, x }) => seenAt(x, row * 70)),
            isSure,
            atMs,
          );
          tracks.forEach((track, i) => {
            if (!track) return;
            const { row } = turned[i]!;
            expect(owners.get(track.id!) ?? row).toBe(row);
            owners.set(track.id!, row);
          });
        });
        expect(given()).toBe(speeds.length);
      }),
    );
  });
});
