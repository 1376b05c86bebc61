import type { ZoneConfig } from '../../contract/space-config.ts';
import type { Track } from '../tracking/byte-tracker.ts';
import { anchorOf, contains, distanceTo } from './geometry.ts';

export interface Occupant {
  readonly trackId: number;
  readonly label: string;
  readonly enteredMs: number;
}

export type ZoneChange =
  | { readonly kind: 'entered' }
  /** `dwellMs`: from entering to the last frame that showed it inside. */
  | { readonly kind: 'left'; readonly dwellMs: number };

type Guest = Occupant & { lastInsideMs: number };

/**
 * Knows which followed objects are in a zone, and since when. An object enters when its anchor is inside
 * and leaves when it is outside by more than the hysteresis, or ends; one that is hidden stays.
 */
export class ZoneWatch {
  readonly #zone: ZoneConfig;
  readonly #outline: ZoneConfig['polygon'];
  readonly #guests = new Map<number, Guest>();

  constructor(zone: ZoneConfig) {
    this.#zone = zone;
    this.#outline = [...zone.polygon, zone.polygon[0]!];
  }

  get occupants(): readonly Occupant[] {
    return [...this.#guests.values()];
  }

  /** The object was seen in this frame. */
  follow(id: number, { box, label }: Track, atMs: number): ZoneChange | undefined {
    const { polygon, anchor, hysteresisPx } = this.#zone;
    const at = anchorOf(box, anchor);
    const isInside = contains(polygon, at);
    const guest = this.#guests.get(id);
    if (!guest) {
      if (!isInside) return undefined;
      this.#guests.set(id, { trackId: id, label, enteredMs: atMs, lastInsideMs: atMs });
      return { kind: 'entered' };
    }
    if (isInside || distanceTo(this.#outline, at) <= hysteresisPx) {
      guest.lastInsideMs = atMs;
      return undefined;
    }
    return this.forget(id);
  }

  /** The object ended. */
  forget(id: number): ZoneChange | undefined {
    const guest = this.#guests.get(id);
    if (!guest) return undefined;
    this.#guests.delete(id);
    return { kind: 'left', dwellMs: guest.lastInsideMs - guest.enteredMs };
  }
}
