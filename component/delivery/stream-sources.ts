import { LANES } from '../contract/delivery.ts';
import type { ExpiredRange, OutboxState, OutboxStream } from '../contract/delivery.ts';
import type { ResendWindow } from './resend-window.ts';
import { StreamSource } from './stream-source.ts';

/** Alarms beyond this are a backlog, which those of now overtake. */
const BACKLOG_ROWS = 200;
const MAX_SOURCES_PER_STREAM = 8;

/** What is to be written down: keys up to which streams were sent, and what was too old. */
export interface Settlement {
  readonly sent: readonly { readonly stream: number; readonly through: number }[];
  readonly expired: readonly ExpiredRange[];
}

/** The runs of every stream of the outbox, each stream's in the order of their keys. */
export class StreamSources {
  readonly #window: ResendWindow;
  readonly #sources = new Map<number, StreamSource[]>();
  readonly #persisted = new Map<number, number>();
  /** No longer with its source, and not known to be written down. */
  #expired: ExpiredRange[] = [];

  constructor(window: ResendWindow) {
    this.#window = window;
  }

  all(): StreamSource[] {
    return [...this.#sources.values()].flat();
  }

  /** Alarms of now, alarms of an outage, everything else. */
  ranks(): StreamSource[][] {
    const live: StreamSource[] = [];
    const backlog: StreamSource[] = [];
    const bulk: StreamSource[] = [];
    for (const source of this.all()) {
      if (source.lane !== LANES.alarm) bulk.push(source);
      else if (source.through === undefined) live.push(source);
      else backlog.push(source);
    }
    return [live, backlog, bulk];
  }

  refresh({ streams, lastKey }: OutboxState): void {
    for (const stream of streams) {
      let sources = this.#sources.get(stream.stream);
      if (sources === undefined) {
        this.#persisted.set(stream.stream, stream.sentKey);
        sources = [new StreamSource(stream, stream.sentKey)];
        this.#sources.set(stream.stream, sources);
      }
      const last = sources.at(-1)!;
      if (lastKey > last.after) last.isDrained = false;
      if (isBacklog(stream, last, lastKey) && sources.length < MAX_SOURCES_PER_STREAM) {
        last.through = lastKey;
        sources.push(new StreamSource(stream, lastKey));
      }
    }
  }

  /** Everything of a camera from its beginning; not while something of it is under way. */
  startAgain(camera: string): void {
    for (const [stream, sources] of this.#sources) {
      const [first] = sources;
      if (first?.camera !== camera || sources.some(({ inFlight }) => inFlight > 0)) continue;
      this.#window.forget(new Set(sources));
      this.#sources.set(stream, [new StreamSource(first, 0)]);
    }
  }

  /**
   * What may be written down now: nothing at or behind a key that waits or is under way, which would
   * be lost with this process. Comes again until `wrote` is told of it.
   */
  settlement(): Settlement {
    const sent: { stream: number; through: number }[] = [];
    for (const [stream, sources] of this.#sources) {
      while (sources.length > 1 && this.#isOver(sources[0]!)) {
        const over = sources.shift()!;
        sources[0]!.settled = Math.max(sources[0]!.settled, over.through ?? 0);
        this.#expired.push(...over.expired);
      }
      const first = sources[0]!;
      const mayBeLost = Math.min(first.lowestPending, this.#window.lowestKey(first));
      while (first.expired[0] !== undefined && first.expired[0].through < mayBeLost) {
        this.#expired.push(first.expired.shift()!);
      }
      const through = Math.min(first.settled, mayBeLost - 1);
      if (through > (this.#persisted.get(stream) ?? 0)) sent.push({ stream, through });
    }
    return { sent, expired: [...this.#expired] };
  }

  wrote({ sent, expired }: Settlement): void {
    for (const { stream, through } of sent) this.#persisted.set(stream, through);
    const written = new Set(expired);
    this.#expired = this.#expired.filter((one) => !written.has(one));
  }

  #isOver(source: StreamSource): boolean {
    return source.isDrained && source.lowestPending === Infinity && !this.#window.holds(source);
  }
}

const isBacklog = (stream: OutboxStream, { after }: StreamSource, lastKey: number): boolean =>
  stream.lane === LANES.alarm && stream.rows > BACKLOG_ROWS && lastKey - after > BACKLOG_ROWS;
