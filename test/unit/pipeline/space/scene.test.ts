import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Detection, SpaceEvent } from '../../../../component/contract/result.ts';
import {
  lineSchema,
  trackingSchema,
  zoneSchema,
} from '../../../../component/contract/space-config.ts';
import {
  contains,
  distanceTo,
  signedCrossings,
} from '../../../../component/pipeline/space/geometry.ts';
import { Scene } from '../../../../component/pipeline/space/scene.ts';

/** A person whose feet are at (x, y). */
const standing = (x: number, y: number, score = 0.9, label = 'person'): Detection => ({
  label,
  labelIndex: 0,
  score,
  box: { x: x - 15, y: y - 60, width: 30, height: 60 },
});

const gate = lineSchema.parse({
  camera: 'dock',
  points: [
    { x: 0, y: 200 },
    { x: 400, y: 200 },
  ],
});
const press = zoneSchema.parse({
  camera: 'dock',
  polygon: [
    { x: 100, y: 100 },
    { x: 300, y: 100 },
    { x: 300, y: 300 },
    { x: 100, y: 300 },
  ],
});

function newScene(lines = { gate }, zones = { press }) {
  const values = new Map<string, number>();
  let id = 0;
  const scene = new Scene({
    settings: trackingSchema.parse({}),
    zones,
    lines,
    rememberMs: 60_000,
    counters: {
      nextTrackId: () => (id += 1),
      increment: (name) => values.set(name, (values.get(name) ?? 0) + 1),
      valueOf: (name) => values.get(name) ?? 0,
    },
  });
  const see = (atMs: number, detections: readonly Detection[], origin = 'a') =>
    scene.see({
      detections,
      isSure: ({ score }) => score >= 0.5,
      capturedAtMs: 1_000_000 + atMs,
      origin,
    });
  /** Feet along a path, one place each 100 ms; the events that came of it. */
  const walk = (path: readonly (readonly [number, number])[], fromMs = 0): SpaceEvent[] =>
    path.flatMap(([x, y], i) => see(fromMs + i * 100, [standing(x, y)]).tracking.events);
  return { scene, see, walk };
}

const down = (x: number, from: number, to: number, step = 10): [number, number][] =>
  Array.from({ length: Math.floor(Math.abs(to - from) / step) + 1 }, (_, i) => [
    x,
    from + Math.sign(to - from) * i * step,
  ]);
const crossings = (events: readonly SpaceEvent[]) =>
  events.flatMap((event) => (event.kind === 'crossed' ? [event.direction] : []));

describe('crossing a line', () => {
  it('counts once, from the left of the line to its right as forward', () => {
    const { walk, scene } = newScene();
    expect(crossings(walk(down(200, 120, 290)))).toEqual(['forward']);
    expect(crossings(walk(down(200, 290, 120), 2000))).toEqual(['backward']);
    expect(scene.state().lines).toEqual({ gate: { forward: 1, backward: 1 } });
  });

  it('does not count what passes beyond its ends', () => {
    const { walk } = newScene();
    expect(crossings(walk(down(450, 120, 290)))).toEqual([]);
  });

  it('counts jitter on the line not at all, and the way over it once', () => {
    const { walk } = newScene();
    const jitter = Array.from({ length: 30 }, (_, i) => [200, 200 + (i % 2 ? 6 : -6)] as const);
    const before = down(200, 120, 190);
    expect(crossings(walk([...before, ...jitter, ...down(200, 190, 120)]))).toEqual([]);
    expect(crossings(walk([...before, ...jitter, ...down(200, 200, 290)], 20_000))).toEqual([
      'forward',
    ]);
  });

  it('counts who was hidden on the line when they are seen again beyond it', () => {
    const { see, walk } = newScene();
    walk(down(200, 100, 170));
    for (let i = 0; i < 5; i += 1) see(800 + i * 100, []);
    const { events } = see(1300, [standing(200, 230)]).tracking;
    expect(events).toEqual([
      { kind: 'crossed', line: 'gate', direction: 'forward', trackId: 1, label: 'person' },
    ]);
  });

  it('counts frames that are far apart as well: the step itself crosses', () => {
    const { walk } = newScene();
    expect(crossings(walk(down(200, 140, 240, 25)))).toEqual(['forward']);
  });

  it('takes a line of several pieces as one', () => {
    const corner = lineSchema.parse({
      camera: 'dock',
      points: [
        { x: 100, y: 300 },
        { x: 100, y: 200 },
        { x: 300, y: 200 },
      ],
    });
    const { walk } = newScene({ gate: corner });
    // Exactly through the corner that two pieces share, from the outside to the inside.
    const diagonal = Array.from({ length: 17 }, (_, i) => [20 + i * 10, 120 + i * 10] as const);
    expect(crossings(walk(diagonal))).toEqual(['forward']);
  });
});

describe('signedCrossings', () => {
  const point = fc.record({
    x: fc.integer({ min: 0, max: 20 }),
    y: fc.integer({ min: 0, max: 20 }),
  });

  it('depends on where a path begins and ends around a long line, not on its steps', () => {
    const line = [
      { x: 10, y: 1000 },
      { x: 10, y: -1000 },
    ];
    fc.assert(
      fc.property(fc.array(point, { minLength: 2, maxLength: 20 }), (path) => {
        const sum = path.slice(1).reduce((n, to, i) => n + signedCrossings(line, path[i]!, to), 0);
        // The line goes up, so that its right is where x is larger; on it counts as right.
        const sideOf = ({ x }: { x: number }) => (x >= 10 ? 1 : 0);
        expect(sum).toBe(sideOf(path.at(-1)!) - sideOf(path[0]!));
      }),
    );
  });

  it('is 0 around a closed path that goes round an end of the line or not', () => {
    const line = [
      { x: 5, y: 30 },
      { x: 5, y: 12 },
      { x: 9, y: 12 },
    ];
    const round = [
      { x: 0, y: 20 },
      { x: 7, y: 20 },
      { x: 7, y: 11 },
      { x: 0, y: 11 },
    ];
    const sum = round.reduce(
      (n, from, i) => n + signedCrossings(line, from, round[(i + 1) % 4]!),
      0,
    );
    expect(sum).toBe(0);
  });

  it('measures distances to pieces, not to the endless line', () => {
    const line = [
      { x: 0, y: 0 },
      { x: 10, y: 0 },
    ];
    expect(distanceTo(line, { x: 5, y: 3 })).toBe(3);
    expect(distanceTo(line, { x: 13, y: 4 })).toBe(5);
  });
});

describe('contains', () => {
  const corner = fc.record({
    x: fc.integer({ min: 0, max: 50 }),
    y: fc.integer({ min: 0, max: 50 }),
  });

  it('takes every point on the outline for inside, whatever the polygon', () => {
    const polygons = fc.array(corner, { minLength: 3, maxLength: 8 });
    const parts = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(polygons, fc.nat(), parts, (polygon, turn, part) => {
        const a = polygon[turn % polygon.length]!;
        const b = polygon[(turn + 1) % polygon.length]!;
        const at = { x: a.x + part * (b.x - a.x), y: a.y + part * (b.y - a.y) };
        expect(contains(polygon, at)).toBe(true);
      }),
    );
  });

  it('leaves out what lies beside the outline', () => {
    const { polygon } = press;
    expect(contains(polygon, { x: 200, y: 300.03 })).toBe(false);
    expect(contains(polygon, { x: 300.03, y: 200 })).toBe(false);
    expect(contains(polygon, { x: 299.9, y: 299.9 })).toBe(true);
  });
});

describe('a zone', () => {
  it('has those whose box is cut off by the lower edge of the picture, where the zone ends too', () => {
    const { see } = newScene();
    see(0, [standing(200, 300)]);
    expect(see(100, [standing(200, 300)]).tracking.zones['press']).toMatchObject({ count: 1 });
  });

  it('knows who is in it and for how long, and tells coming and going once', () => {
    const { see, walk } = newScene();
    const events = walk([
      [20, 200],
      [60, 200],
      [95, 200],
      [105, 200],
      [115, 200],
    ]);
    expect(events).toEqual([{ kind: 'entered', zone: 'press', trackId: 1, label: 'person' }]);
    const inside = see(600, [standing(125, 200)]);
    expect(inside.tracking.zones).toEqual({
      press: { count: 1, entered: 1, longestDwellMs: 300 },
    });
    expect(inside.evidence.occupants('press')).toEqual([{ label: 'person', dwellMs: 300 }]);
  });

  it('keeps who jitters at its edge, and lets go who is clear of it', () => {
    const { walk } = newScene();
    const edge = Array.from({ length: 20 }, (_, i) => [i % 2 ? 96 : 104, 200] as const);
    const events = walk([[130, 200], [122, 200], ...edge, [80, 200], [60, 200]]);
    expect(events.map(({ kind }) => kind)).toEqual(['entered', 'left']);
    expect(events[1]).toMatchObject({ zone: 'press', dwellMs: 2000 });
  });

  it('keeps who is hidden for a moment, and lets go who is lost', () => {
    const { see, walk } = newScene();
    walk([
      [150, 200],
      [150, 200],
      [150, 200],
    ]);
    expect(see(1500, []).tracking.zones['press']).toMatchObject({ count: 1, longestDwellMs: 1400 });
    const lost = see(2300, []);
    expect(lost.tracking.events).toEqual([
      { kind: 'left', zone: 'press', dwellMs: 100, trackId: 1, label: 'person' },
    ]);
    expect(lost.tracking.zones['press']).toEqual({ count: 0, entered: 1 });
  });
});

describe('what a scene gives', () => {
  it('is what reaches the threshold, and unsure detections only of followed objects', () => {
    const { see } = newScene();
    see(0, [standing(200, 100)]);
    see(100, [standing(200, 100)]);
    const { detections } = see(200, [
      standing(202, 100, 0.2),
      standing(350, 100, 0.2),
      standing(50, 100, 0.6),
    ]);
    expect(detections.map(({ score, trackId }) => [score, trackId])).toEqual([
      [0.2, 1],
      [0.6, undefined],
    ]);
  });

  it('tells how many objects were too many to be followed; they stand in it all the same', () => {
    const { see } = newScene();
    const crowd = Array.from({ length: 230 }, (_, i) => standing((i % 20) * 40, 60 + i * 5));
    const { detections, tracking, evidence } = see(0, crowd);
    expect(detections).toHaveLength(230);
    expect([tracking.leftOut, evidence.leftOut]).toEqual([30, 30]);
    expect(see(100, crowd.slice(0, 200)).tracking.leftOut).toBeUndefined();
  });

  it('shows where objects went, oldest place first', () => {
    const { see } = newScene();
    for (let i = 0; i < 60; i += 1) see(i * 100, [standing(20 + i * 5, 120)]);
    const [trail] = see(6000, [standing(320, 120)]).trails;
    expect(trail!.points).toHaveLength(40);
    expect(trail!.points.at(-1)).toEqual({ x: 320, y: 120 });
  });

  it('remembers crossings for as long as a rule asks', () => {
    const { see, walk } = newScene();
    walk(down(200, 120, 290));
    const { evidence } = see(10_000, []);
    expect(evidence.crossings('gate', 20_000)).toHaveLength(1);
    expect(evidence.crossings('gate', 5000)).toHaveLength(0);
    expect(evidence.crossings('gate', undefined)).toHaveLength(0);
  });
});

describe('an interruption', () => {
  it('ends every object and is told, with how long nothing was seen', () => {
    const { see, walk } = newScene();
    walk([
      [150, 200],
      [150, 200],
      [150, 200],
    ]);
    const after = see(9200, [standing(150, 200)]);
    expect(after.tracking.interruptedMs).toBe(9000);
    expect(after.tracking.events).toMatchObject([{ kind: 'left', trackId: 1 }]);
    expect(after.evidence.watchedMs).toBe(0);
    expect(see(9300, [standing(150, 200)]).tracking.interruptedMs).toBeUndefined();
    expect(see(9400, [standing(150, 200)]).detections[0]!.trackId).toBe(2);
  });

  it('is a source that was opened again, or another model', () => {
    const { see, walk } = newScene();
    walk([
      [150, 200],
      [150, 200],
    ]);
    expect(see(200, [standing(150, 200)], 'b').tracking).toMatchObject({
      objects: 0,
      interruptedMs: 100,
    });
  });

  it('is a clock that was set back by more than objects may be hidden; time goes on from there', () => {
    const { see, walk } = newScene();
    walk(down(150, 150, 290));
    const after = see(-3_600_000, [standing(150, 200)]);
    expect(after.tracking.interruptedMs).toBe(0);
    expect(after.tracking.events).toMatchObject([{ kind: 'left', trackId: 1 }]);
    see(-3_599_900, [standing(150, 200)]);
    for (let i = 1; i <= 6; i += 1) see(-3_599_900 + i * 500, [standing(150, 200)]);
    const later = see(-3_596_400, [standing(150, 200)]);
    expect(later.tracking.zones['press']).toMatchObject({ count: 1, longestDwellMs: 3500 });
    expect(later.evidence.watchedMs).toBe(3600);
    // The crossing of before has a time that comes again an hour later: it is not counted then.
    for (let i = 0; i <= 3600; i += 1) see(-3_596_000 + i * 1000, []);
    expect(see(5000, []).evidence.crossings('gate', 60_000)).toEqual([]);
  });

  it('is none when the clock goes back by less', () => {
    const { see } = newScene();
    see(0, [standing(150, 200)]);
    see(100, [standing(150, 200)]);
    const after = see(-800, [standing(150, 200)]);
    expect(after.tracking.interruptedMs).toBeUndefined();
    expect(after.detections[0]!.trackId).toBe(1);
  });

  it('is none at the first frame', () => {
    expect(newScene().see(0, []).tracking.interruptedMs).toBeUndefined();
  });
});
