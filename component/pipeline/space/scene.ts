import type { Point } from '../../contract/frame.ts';
import type {
  Detection,
  LineState,
  SpaceEvent,
  Tracking,
  ZoneState,
} from '../../contract/result.ts';
import type { LineConfig, TrackingConfig, ZoneConfig } from '../../contract/space-config.ts';
import { ByteTracker, type Track } from '../tracking/byte-tracker.ts';
import { CrossingLog, type Crossing } from './crossing-log.ts';
import { anchorOf } from './geometry.ts';
import { LineWatch } from './line-watch.ts';
import { ZoneWatch, type ZoneChange } from './zone-watch.ts';

/** Numbers that outlive the process. */
export interface SceneCounters {
  nextTrackId(): number;
  increment(counter: string): void;
  valueOf(counter: string): number;
}

/** What is watched in a scene. */
export interface Watched {
  readonly zones: Readonly<Record<string, ZoneConfig>>;
  readonly lines: Readonly<Record<string, LineConfig>>;
  /** Crossings are remembered for so long, in milliseconds. */
  readonly rememberMs: number;
}

export interface SceneOptions extends Watched {
  readonly settings: TrackingConfig;
  readonly counters: SceneCounters;
}

/** A frame that comes to the scene. */
export interface SceneFrame {
  readonly detections: readonly Detection[];
  /** Whether a detection reaches the camera's threshold. */
  readonly isSure: (detection: Detection) => boolean;
  readonly capturedAtMs: number;
  /** Names source and model: when it changes, objects have nothing to do with those before. */
  readonly origin: string;
}

/** What rules ask of a scene. */
export interface SpaceEvidence {
  /** How long the scene has been watched without interruption, in milliseconds. */
  readonly watchedMs: number;
  readonly interruptedMs?: number;
  /** Objects of this picture that were not followed because there were too many. */
  readonly leftOut?: number;
  /** Objects in a zone. */
  occupants(zone: string): readonly { readonly label: string; readonly dwellMs: number }[];
  /** Crossings of the last `withinMs`, or of this frame alone. */
  crossings(line: string, withinMs: number | undefined): readonly Crossing[];
}

export interface SeenScene {
  /** Those that reach the threshold or continue a track, with `trackId` where it is known. */
  readonly detections: readonly Detection[];
  readonly tracking: Tracking;
  readonly evidence: SpaceEvidence;
  /** Where objects went, oldest place first, in source pixels. */
  readonly trails: readonly Trail[];
}

export interface Trail {
  readonly labelIndex: number;
  readonly points: readonly Point[];
}

const TRAIL_LENGTH = 40;

/** A camera's objects over time: who they are, where they go, which lines they cross. */
export class Scene {
  readonly #options: SceneOptions;
  readonly #tracker: ByteTracker;
  #watched: Watched;
  #zones: ReadonlyMap<string, ZoneWatch>;
  #lines: ReadonlyMap<string, LineWatch>;
  readonly #log: CrossingLog;
  readonly #trails = new Map<number, Point[]>();
  #origin: string | undefined;
  #sinceMs = 0;
  #lastMs: number | undefined;

  constructor(options: SceneOptions) {
    this.#options = options;
    this.#tracker = new ByteTracker(options.settings, () => options.counters.nextTrackId());
    this.#watched = { zones: {}, lines: {}, rememberMs: 0 };
    this.#zones = new Map();
    this.#lines = new Map();
    this.#log = new CrossingLog(options.rememberMs);
    this.watch(options);
  }

  /**
   * Watches other zones and lines from the next frame on. Objects are followed as before, and whoever
   * is in a zone that stays as it is has been there for as long.
   */
  watch({ zones, lines, rememberMs }: Watched): void {
    const before = this.#watched;
    this.#zones = watches(zones, before.zones, this.#zones, (zone) => new ZoneWatch(zone));
    this.#lines = watches(lines, before.lines, this.#lines, (line) => new LineWatch(line));
    this.#log.remember(rememberMs);
    this.#watched = { zones, lines, rememberMs };
  }

  /** What the model must be asked for, given what the camera wants to see. */
  get minScore(): number {
    return this.#options.settings.minScore;
  }

  see(frame: SceneFrame): SeenScene {
    const lastMs = this.#lastMs ?? frame.capturedAtMs;
    const isSetBack = lastMs - frame.capturedAtMs > this.#options.settings.maxLostMs;
    // A clock that was set back a little gives a frame of the same moment, never one of the past.
    const nowMs = isSetBack ? frame.capturedAtMs : Math.max(frame.capturedAtMs, lastMs);
    const events: SpaceEvent[] = [];
    const interruptedMs = this.#interruption(frame, nowMs, events);
    const seen = this.#tracker.update(frame.detections, frame.isSure, nowMs);
    const leftOut = seen.leftOut > 0 ? { leftOut: seen.leftOut } : {};
    for (const track of seen.ended) this.#end(track, events);
    for (const track of seen.alive)
      if (track.lastSeenMs === nowMs) this.#follow(track, nowMs, events);
    const detections = frame.detections.flatMap((detection, index) => {
      const track = seen.tracks[index];
      if (track?.id !== undefined) return [{ ...detection, trackId: track.id }];
      return frame.isSure(detection) ? [detection] : [];
    });
    return {
      detections,
      tracking: {
        objects: seen.alive.length,
        ...this.state(nowMs),
        events,
        ...(interruptedMs === undefined ? {} : { interruptedMs }),
        ...leftOut,
      },
      evidence: { ...this.#evidence(nowMs, events, interruptedMs), ...leftOut },
      trails: seen.alive.map(({ id, labelIndex }) => ({
        labelIndex,
        points: [...(this.#trails.get(id!) ?? [])],
      })),
    };
  }

  /** Zones and lines as they are now. */
  state(nowMs = this.#lastMs ?? 0): Pick<Tracking, 'zones' | 'lines'> {
    const { counters } = this.#options;
    const zones: Record<string, ZoneState> = {};
    for (const [name, watch] of this.#zones) {
      const { occupants } = watch;
      const longestDwellMs = Math.max(...occupants.map(({ enteredMs }) => nowMs - enteredMs));
      zones[name] = {
        count: occupants.length,
        entered: counters.valueOf(`zone/${name}/entered`),
        ...(occupants.length === 0 ? {} : { longestDwellMs }),
      };
    }
    const lines: Record<string, LineState> = {};
    for (const name of this.#lines.keys()) {
      lines[name] = {
        forward: counters.valueOf(`line/${name}/forward`),
        backward: counters.valueOf(`line/${name}/backward`),
      };
    }
    return { zones, lines };
  }

  /** Ends what cannot be continued; gives how long nothing was seen when that is so. */
  #interruption(frame: SceneFrame, nowMs: number, events: SpaceEvent[]): number | undefined {
    const stepMs = nowMs - (this.#lastMs ?? nowMs);
    // Of a clock that was set back nobody knows how much time passed.
    const isSetBack = stepMs < 0;
    const gapMs = Math.max(0, stepMs);
    const isFirst = this.#lastMs === undefined;
    const isOther = !isFirst && this.#origin !== frame.origin;
    const isInterrupted = isOther || isSetBack || gapMs > this.#options.settings.maxLostMs;
    this.#lastMs = nowMs;
    this.#origin = frame.origin;
    if (isFirst || isInterrupted) this.#sinceMs = nowMs;
    if (!isInterrupted) return undefined;
    if (isSetBack) this.#log.clear();
    for (const track of this.#tracker.reset()) this.#end(track, events);
    return gapMs;
  }

  #follow(track: Track, nowMs: number, events: SpaceEvent[]): void {
    const trackId = track.id!;
    const { label } = track;
    for (const [line, watch] of this.#lines) {
      const direction = watch.follow(trackId, track);
      if (!direction) continue;
      this.#options.counters.increment(`line/${line}/${direction}`);
      this.#log.add({ line, direction, label, atMs: nowMs });
      events.push({ kind: 'crossed', line, direction, trackId, label });
    }
    for (const [zone, watch] of this.#zones) {
      this.#tell(zone, track, watch.follow(trackId, track, nowMs), events);
    }
    const trail = this.#trails.get(trackId) ?? [];
    trail.push(anchorOf(track.box, 'bottom-centre'));
    if (trail.length > TRAIL_LENGTH) trail.shift();
    this.#trails.set(trackId, trail);
  }

  #end(track: Track, events: SpaceEvent[]): void {
    const id = track.id!;
    this.#trails.delete(id);
    for (const watch of this.#lines.values()) watch.forget(id);
    for (const [zone, watch] of this.#zones) this.#tell(zone, track, watch.forget(id), events);
  }

  #tell(
    zone: string,
    { id, label }: Track,
    change: ZoneChange | undefined,
    events: SpaceEvent[],
  ): void {
    if (!change) return;
    if (change.kind === 'entered') this.#options.counters.increment(`zone/${zone}/entered`);
    events.push({ ...change, zone, trackId: id!, label });
  }

  #evidence(
    nowMs: number,
    events: readonly SpaceEvent[],
    interruptedMs: number | undefined,
  ): SpaceEvidence {
    return {
      watchedMs: nowMs - this.#sinceMs,
      ...(interruptedMs === undefined ? {} : { interruptedMs }),
      occupants: (zone) =>
        (this.#zones.get(zone)?.occupants ?? []).map(({ label, enteredMs }) => ({
          label,
          dwellMs: nowMs - enteredMs,
        })),
      crossings: (line, withinMs) =>
        withinMs === undefined
          ? events
              .filter((event) => event.kind === 'crossed')
              .filter((event) => event.line === line)
          : this.#log.since(line, nowMs - withinMs, nowMs),
    };
  }
}

/** One for each place; those of places that did not change go on. */
function watches<P, W>(
  places: Readonly<Record<string, P>>,
  placesBefore: Readonly<Record<string, P>>,
  watchesBefore: ReadonlyMap<string, W>,
  create: (place: P) => W,
): Map<string, W> {
  return new Map(
    Object.entries(places).map(([name, place]) => {
      const watch = watchesBefore.get(name);
      const isSame = JSON.stringify(placesBefore[name]) === JSON.stringify(place);
      return [name, watch !== undefined && isSame ? watch : create(place)];
    }),
  );
}
