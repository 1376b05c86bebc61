import { intersectionOverUnion } from '../../contract/box-overlap.ts';
import type { Box } from '../../contract/frame.ts';
import type { Detection } from '../../contract/result.ts';
import { assign } from './assign.ts';
import { BoxFilter } from './box-filter.ts';

export interface TrackerSettings {
  /** Least overlap (IoU times score) of a sure detection with where its track is expected, 0–1. */
  readonly minOverlap: number;
  /** A track whose object was not seen for longer ends, in milliseconds. */
  readonly maxLostMs: number;
  /** Frames in a row that must show an object before it gets its number. */
  readonly confirmFrames: number;
}

/** An object that is followed. */
export interface Track {
  /** Absent until it is confirmed. */
  readonly id: number | undefined;
  readonly label: string;
  readonly labelIndex: number;
  /** Where it was seen last, in source pixels. */
  readonly box: Box;
  readonly firstSeenMs: number;
  readonly lastSeenMs: number;
}

export interface TrackedFrame {
  /** For each detection the confirmed track that it belongs to. */
  readonly tracks: readonly (Track | undefined)[];
  /** Confirmed ones that are followed, those hidden for a moment among them. */
  readonly alive: readonly Track[];
  /** Confirmed ones that ended with this frame. */
  readonly ended: readonly Track[];
  /** Sure detections that were not followed because there were too many. */
  readonly leftOut: number;
}

interface OwnTrack extends Track {
  id: number | undefined;
  box: Box;
  lastSeenMs: number;
  readonly filter: BoxFilter;
  frames: number;
  isSeen: boolean;
}

/** How well a detection fits a track. */
interface Cost {
  readonly minOverlap: number;
  /** Whether the score of the detection is multiplied with the overlap. */
  readonly isFused: boolean;
}

/** Work for a frame stays bounded: the thread that follows objects also answers requests. */
export const MAX_FOLLOWED = 200;
/** Those that are hidden for a moment among them. */
export const MAX_TRACKS = 300;

const LOW_SCORE_COST: Cost = { minOverlap: 0.5, isFused: false };
/** A tracked and a lost box that overlap more are the same object. */
const DUPLICATE_OVERLAP = 0.85;

/**
 * Multi-object tracking by associating every detection box (Y. Zhang et al., «ByteTrack», ECCV 2022;
 * constants of its reference implementation): sure detections are matched with all tracks first, then
 * what is left of the tracks with the unsure ones, since an object that is half hidden scores low.
 * Beyond the paper: a track keeps its label; time is that of the pictures, so that frames may be missing;
 * and a track that is not confirmed yet needs no more overlap than others (the reference asks for 0.3,
 * which a walking person seen ten times a second does not reach).
 */
export class ByteTracker {
  readonly #settings: TrackerSettings;
  readonly #nextId: () => number;
  #tracks: OwnTrack[] = [];
  #lastMs: number | undefined;

  constructor(settings: TrackerSettings, nextId: () => number) {
    this.#settings = settings;
    this.#nextId = nextId;
  }

  /**
   * Follows the objects into the next frame. A frame older than the one before is taken for one of
   * the same moment. Of more than MAX_FOLLOWED detections it looks at the best, sure ones first; beside
   * MAX_TRACKS objects it begins no other.
   * @param isSure whether a detection may begin a track; the others only continue one
   */
  update(
    detections: readonly Detection[],
    isSure: (detection: Detection) => boolean,
    atMs: number,
  ): TrackedFrame {
    const nowMs = Math.max(atMs, this.#lastMs ?? atMs);
    const elapsedMs = nowMs - (this.#lastMs ?? nowMs);
    this.#lastMs = nowMs;
    const ended = this.#endOld(nowMs);
    for (const track of this.#tracks) track.filter.predict(elapsedMs, track.isSeen);

    const owners = new Map<Detection, OwnTrack>();
    const match = (tracks: OwnTrack[], free: readonly Detection[], cost: Cost) =>
      this.#match(tracks, free, cost, nowMs, owners);
    const allSure = detections.filter(isSure);
    const sure = best(allSure, MAX_FOLLOWED);
    const unsure = best(
      detections.filter((detection) => !isSure(detection)),
      MAX_FOLLOWED - sure.length,
    );
    const confirmed = this.#tracks.filter(({ id }) => id !== undefined);
    const tentative = this.#tracks.filter(({ id }) => id === undefined);

    const sureCost: Cost = { minOverlap: this.#settings.minOverlap, isFused: true };
    const left = match(confirmed, sure, sureCost);
    const seenBefore = left.filter(({ isSeen }) => isSeen);
    const lost = left.filter(({ isSeen }) => !isSeen);
    lost.push(...match(seenBefore, unsure, LOW_SCORE_COST));
    for (const track of lost) track.isSeen = false;
    const unconfirmed = new Set(
      match(
        tentative,
        sure.filter((detection) => !owners.has(detection)),
        sureCost,
      ),
    );
    this.#tracks = this.#tracks.filter((track) => !unconfirmed.has(track));
    const fresh = sure.filter((detection) => !owners.has(detection));
    const begun = best(fresh, MAX_TRACKS - this.#tracks.length);
    for (const detection of begun) owners.set(detection, this.#begin(detection, nowMs));
    ended.push(...this.#endDuplicates(owners, nowMs));
    return {
      tracks: detections.map((detection) => {
        const owner = owners.get(detection);
        return owner?.id === undefined ? undefined : owner;
      }),
      alive: this.#tracks.filter(({ id }) => id !== undefined),
      ended,
      leftOut: allSure.length - sure.length + fresh.length - begun.length,
    };
  }

  /** Forgets every object: what comes next has nothing to do with what was. */
  reset(): readonly Track[] {
    const ended = this.#tracks.filter(({ id }) => id !== undefined);
    this.#tracks = [];
    this.#lastMs = undefined;
    return ended;
  }

  #endOld(nowMs: number): Track[] {
    const isOld = (track: Track) => nowMs - track.lastSeenMs > this.#settings.maxLostMs;
    const ended = this.#tracks.filter((track) => isOld(track) && track.id !== undefined);
    this.#tracks = this.#tracks.filter((track) => !isOld(track));
    return ended;
  }

  /** Gives the tracks that found no detection. */
  #match(
    tracks: readonly OwnTrack[],
    free: readonly Detection[],
    { minOverlap, isFused }: Cost,
    nowMs: number,
    owners: Map<Detection, OwnTrack>,
  ): OwnTrack[] {
    const costs = tracks.map((track) => {
      const expected = track.filter.box();
      return free.map((detection) => {
        if (detection.label !== track.label) return 1;
        const overlap = intersectionOverUnion(expected, detection.box);
        return 1 - (isFused ? overlap * detection.score : overlap);
      });
    });
    const matched = new Set<OwnTrack>();
    for (const [row, column] of assign(costs, 1 - minOverlap)) {
      const track = tracks[row]!;
      const detection = free[column]!;
      matched.add(track);
      owners.set(detection, track);
      this.#continue(track, detection, nowMs);
    }
    return tracks.filter((track) => !matched.has(track));
  }

  #begin(detection: Detection, nowMs: number): OwnTrack {
    const { box, label, labelIndex } = detection;
    const track: OwnTrack = {
      id: this.#settings.confirmFrames <= 1 ? this.#nextId() : undefined,
      label,
      labelIndex,
      box,
      firstSeenMs: nowMs,
      lastSeenMs: nowMs,
      filter: new BoxFilter(box),
      frames: 1,
      isSeen: true,
    };
    this.#tracks.push(track);
    return track;
  }

  #continue(track: OwnTrack, { box }: Detection, nowMs: number): void {
    track.filter.update(box);
    track.box = box;
    track.lastSeenMs = nowMs;
    track.isSeen = true;
    track.frames += 1;
    if (track.id === undefined && track.frames >= this.#settings.confirmFrames) {
      track.id = this.#nextId();
    }
  }

  /**
   * Of a seen and a lost track on the same object the older one stays. (The reference implementation
   * leaves a lost one lost for this frame; here it takes over what was seen, so that its number stands
   * in the result.)
   */
  #endDuplicates(owners: Map<Detection, OwnTrack>, nowMs: number): Track[] {
    const gone = new Set<OwnTrack>();
    const lost = this.#tracks
      .filter(({ id, isSeen }) => id !== undefined && !isSeen)
      .map((track) => ({ track, expected: track.filter.box() }));
    if (lost.length === 0) return [];
    for (const [detection, seen] of owners) {
      if (seen.id === undefined) continue;
      const box = seen.filter.box();
      const hidden = lost.find(
        ({ track, expected }) =>
          !track.isSeen &&
          !gone.has(track) &&
          track.label === seen.label &&
          intersectionOverUnion(box, expected) > DUPLICATE_OVERLAP,
      )?.track;
      if (!hidden) continue;
      if (seen.firstSeenMs <= hidden.firstSeenMs) {
        gone.add(hidden);
        continue;
      }
      gone.add(seen);
      owners.set(detection, hidden);
      this.#continue(hidden, detection, nowMs);
    }
    this.#tracks = this.#tracks.filter((track) => !gone.has(track));
    return [...gone];
  }
}

/** The `most` with the highest scores; in their order where all are taken. */
const best = (detections: readonly Detection[], most: number): readonly Detection[] =>
  detections.length <= most
    ? detections
    : detections.toSorted((a, b) => b.score - a.score).slice(0, Math.max(0, most));
