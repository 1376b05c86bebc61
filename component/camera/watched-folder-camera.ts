import { watch, type FSWatcher } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import type { CameraSourceOf } from '../contract/camera-config.ts';
import { VedetteError } from '../contract/errors.ts';
import type { CameraDriver, FrameEnd, FrameReference, FrameSink } from '../contract/ports.ts';
import { BackOff } from './back-off.ts';
import { FileDisposal, identityFrom, isSameFile, type FileIdentity } from './file-disposal.ts';
import { FolderCalls } from './folder-calls.ts';
import { pause } from './pause.ts';
import { compareNames, listPictures } from './picture-files.ts';
import { readPicture } from './read-picture.ts';
import { isMissing, sourceError } from './source-error.ts';

/** fs.watch may lose events and network file systems send none: the folder is listed this often. */
const RESCAN_MS = 1000;
/** A file that is written in many small steps must not cause as many listings. */
const MIN_SCAN_GAP_MS = 20;
/** Longer than any program sleeps between creating a file and writing to it. */
const EMPTY_FILE_GRACE_MS = 2000;

const OBSTACLE_RETRY = { firstMs: 250, maximumMs: 15_000 };
/** A file that cannot be read for so long is told of. */
const OBSTACLE_PATIENCE_MS = 5000;

/** A run that is told to end is waited for. */
const CLOSE_MS = 1000;
/** The longest that a timer takes. */
const FOR_EVER_MS = 2 ** 31 - 1;
const NEVER = new AbortController().signal;

interface Arrival {
  readonly name: string;
  readonly identity: FileIdentity;
}

interface Sighting extends Arrival {
  /**
   * Since when the file has looked the same, in milliseconds of `performance.now`: the end of the scan that
   * saw it first, so that files which were seen together settle together.
   */
  sinceMs: number;
}

/** A file that is being judged, or was and still lies in the folder. */
interface Claim extends Arrival {
  /** Present when it was judged and could not be put away: tried again at each listing. */
  retry?: () => Promise<void>;
}

/** A file that the system did not let be read; it is tried again, less and less often. */
interface Obstacle extends Arrival {
  readonly backOff: BackOff;
  readonly sinceMs: number;
  retryAtMs: number;
  error: VedetteError;
}

/**
 * A folder into which a station drops pictures. Each file is read once it has stopped growing,
 * oldest first, and put away when its result is stored: to `done/` (or deleted, or kept), to
 * `failed/` with the reason beside it when it is no picture. One that does not fit the camera's
 * settings stays and is judged again after a restart. Only regular files directly in the folder
 * count.
 *
 * Each file is judged at least once: after a crash between result and move it is judged again. With
 * `consume: keep` nothing marks a judged file but the memory of this process, so all files are
 * judged again after a restart.
 */
export class WatchedFolderCamera implements CameraDriver {
  readonly endsForGood = false;
  readonly #source: CameraSourceOf<'folder'>;
  readonly #disposal: FileDisposal;
  readonly #calls = new FolderCalls();
  /** The last run, which a call that hangs keeps from ending. */
  #over: Promise<void> = Promise.resolve();
  /** Whether the last run failed because a call hung. */
  #wasSilent = false;
  readonly #sightings = new Map<string, Sighting>();
  readonly #claims = new Map<string, Claim>();
  readonly #obstacles = new Map<string, Obstacle>();
  /** By sequence number of the frame: what `settle` has to put away. */
  readonly #unsettled = new Map<number, Claim>();
  #sequence = 0;

  constructor(source: CameraSourceOf<'folder'>) {
    this.#source = source;
    this.#disposal = new FileDisposal(source.path);
  }

  /** @throws VedetteError CAMERA_SOURCE_MISSING, CAMERA_SOURCE_FAILED */
  async run(sink: FrameSink, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const silent = (why: string) => {
      this.#wasSilent = true;
      return this.#silent(why);
    };
    if (this.#calls.isSilent) throw silent(this.#calls.silence);
    this.#wasSilent = false;
    const run = new AbortController();
    const end = () => run.abort();
    signal.addEventListener('abort', end, { once: true });
    const ended = new AbortController();
    const over = this.#over.then(() => this.#watch(sink, run.signal));
    this.#over = over.catch(() => undefined).finally(() => ended.abort());
    try {
      await this.#calls.watch(over, signal, silent);
      // What is under way ends in a moment, unless it hangs.
      await pause(CLOSE_MS, ended.signal);
    } finally {
      signal.removeEventListener('abort', end);
      end();
    }
  }

  /** When a call that hung is answered. */
  async untilBack(signal: AbortSignal): Promise<void> {
    await this.#calls.answered(signal);
    if (!this.#wasSilent) await pause(FOR_EVER_MS, signal);
  }

  #silent(why: string): VedetteError {
    return new VedetteError('CAMERA_SOURCE_FAILED', `folder ${this.#source.path}: ${why}`);
  }

  async #watch(sink: FrameSink, signal: AbortSignal): Promise<void> {
    let changes: FolderChanges | undefined;
    try {
      while (!signal.aborted) {
        const beganMs = performance.now();
        const { ready, nextMs } = await this.#scan(signal);
        if (signal.aborted) return;
        // On a share that does not answer this call would hold up the main thread.
        changes ??= new FolderChanges(this.#source.path);
        sink.notifyOpened();
        sink.notifyTrouble(this.#trouble());
        for (const arrival of ready) {
          if (signal.aborted) return;
          await this.#deliver(sink, arrival, signal);
        }
        if (ready.length > 0) continue;
        // A folder of very many files takes long to list: then it is listed less often.
        const scanMs = performance.now() - beganMs;
        await changes.wait(Math.min(nextMs, Math.max(RESCAN_MS, scanMs * 10)), signal);
        await pause(MIN_SCAN_GAP_MS, signal);
      }
    } finally {
      changes?.close();
    }
  }

  async settle(frame: FrameReference, end: FrameEnd, error?: VedetteError): Promise<void> {
    const claim = this.#unsettled.get(frame.sequence);
    if (claim === undefined) return;
    this.#unsettled.delete(frame.sequence);
    if (end !== 'misfit') await this.#putAway(claim, end, error);
  }

  async #deliver(sink: FrameSink, arrival: Arrival, signal: AbortSignal): Promise<void> {
    const sequence = this.#sequence;
    const claim: Claim = { name: arrival.name, identity: arrival.identity };
    this.#sightings.delete(arrival.name);
    this.#claims.set(arrival.name, claim);
    this.#unsettled.set(sequence, claim);
    const outcome = await readPicture(
      sink,
      {
        path: join(this.#source.path, arrival.name),
        sequence,
        capturedAtMs: arrival.identity.modifiedMs,
        captureClock: 'file',
        identity: arrival.identity,
        call: (work) => this.#calls.call(work),
      },
      signal,
    );
    if (outcome.kind === 'unavailable') this.#meetObstacle(arrival, outcome.error);
    else this.#obstacles.delete(arrival.name);
    // What was published or refused has a result, after which it is put away.
    const hasResult = outcome.kind === 'published' || outcome.kind === 'refused';
    if (hasResult || outcome.kind === 'dropped') this.#sequence += 1;
    if (hasResult) return;
    this.#unsettled.delete(sequence);
    this.#unclaim(claim);
  }

  #meetObstacle(arrival: Arrival, error: VedetteError): void {
    const known = this.#obstacles.get(arrival.name);
    const backOff = known?.backOff ?? new BackOff(OBSTACLE_RETRY);
    const nowMs = performance.now();
    this.#obstacles.set(arrival.name, {
      ...arrival,
      backOff,
      sinceMs: known?.sinceMs ?? nowMs,
      retryAtMs: nowMs + backOff.next(),
      error,
    });
  }

  /** What has been in the way for a while; a moment's trouble is nobody's business. */
  #trouble(): VedetteError | undefined {
    const limitMs = performance.now() - OBSTACLE_PATIENCE_MS;
    const lasting = [...this.#obstacles.values()].filter(({ sinceMs }) => sinceMs <= limitMs);
    const [first] = lasting;
    if (first === undefined || lasting.length === 1) return first?.error;
    return new VedetteError(
      'CAMERA_SOURCE_FAILED',
      `${first.error.message}; so it is with ${lasting.length} files`,
      { cause: first.error },
    );
  }

  /** @throws VedetteError CAMERA_SOURCE_FAILED, STORAGE_FULL when the file could not be put away */
  async #putAway(claim: Claim, end: FrameEnd, error?: VedetteError): Promise<void> {
    const { name, identity } = claim;
    const { consume } = this.#source;
    if (consume === 'keep') return;
    const dispose = async () => {
      if (end === 'unreadable') await this.#disposal.fail(name, identity, error);
      else if (consume === 'delete') await this.#disposal.remove(name, identity);
      else await this.#disposal.move(name, identity, 'done');
      this.#unclaim(claim);
    };
    try {
      await this.#calls.watch(this.#calls.call(dispose), NEVER, (why) => this.#silent(why));
    } catch (cause) {
      claim.retry = dispose;
      const { code } = cause as NodeJS.ErrnoException;
      const why = cause instanceof VedetteError ? cause.message : (code ?? String(cause));
      throw new VedetteError(
        code === 'ENOSPC' ? 'STORAGE_FULL' : 'CAMERA_SOURCE_FAILED',
        `${name} was ${end === 'judged' ? 'judged' : 'refused'} and cannot be put away (${why}); it is tried again and not judged again`,
        { cause },
      );
    }
  }

  #unclaim(claim: Claim): void {
    if (this.#claims.get(claim.name) === claim) this.#claims.delete(claim.name);
  }

  /** Files that can be read now, oldest first, and in how many milliseconds another one can. */
  async #scan(signal: AbortSignal): Promise<{ ready: Arrival[]; nextMs: number }> {
    const names = await this.#list();
    const present = new Set(names);
    for (const known of [this.#sightings, this.#claims, this.#obstacles]) {
      for (const name of known.keys()) if (!present.has(name)) known.delete(name);
    }
    const beganMs = performance.now();
    const seen: Sighting[] = [];
    for (const name of names) {
      if (signal.aborted) break;
      const sighting = await this.#look(name);
      if (sighting !== undefined) seen.push(sighting);
    }
    const endedMs = performance.now();
    const ready: Arrival[] = [];
    let nextMs = Infinity;
    for (const sighting of seen) {
      sighting.sinceMs = Math.min(sighting.sinceMs, endedMs);
      const graceMs = sighting.identity.byteLength === 0 ? EMPTY_FILE_GRACE_MS : 0;
      const settledMs = sighting.sinceMs + this.#source.settleMs + graceMs;
      const retryAtMs = this.#obstacles.get(sighting.name)?.retryAtMs ?? 0;
      const readyAtMs = Math.max(settledMs, retryAtMs);
      if (readyAtMs <= beganMs) ready.push(sighting);
      else nextMs = Math.min(nextMs, Math.max(0, readyAtMs - endedMs));
    }
    ready.sort(
      (a, b) => a.identity.modifiedMs - b.identity.modifiedMs || compareNames(a.name, b.name),
    );
    return { ready, nextMs };
  }

  async #list(): Promise<string[]> {
    try {
      return await this.#calls.call(() => listPictures(this.#source.path));
    } catch (error) {
      throw sourceError(error, `folder ${this.#source.path}`);
    }
  }

  /** `undefined` when the file is none, is gone, or is claimed already. */
  async #look(name: string): Promise<Sighting | undefined> {
    let identity: FileIdentity;
    try {
      const stats = await this.#calls.call(() => lstat(join(this.#source.path, name)));
      if (!stats.isFile()) return undefined;
      identity = identityFrom(stats);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw sourceError(error, `file ${name} in folder ${this.#source.path}`);
    }
    const claim = this.#claims.get(name);
    if (claim !== undefined && isSameFile(claim.identity, identity)) {
      const { retry } = claim;
      // Its failure was reported the first time.
      if (retry !== undefined) await this.#calls.call(retry).catch(() => {});
      return undefined;
    }
    const before = this.#sightings.get(name);
    if (before !== undefined && isSameFile(before.identity, identity)) return before;
    const sighting = { name, identity, sinceMs: Infinity };
    this.#sightings.set(name, sighting);
    return sighting;
  }
}

/** Wakes who waits when something in a folder changes; says nothing about what. */
class FolderChanges {
  #watcher: FSWatcher | undefined;
  /** What came before it watched may not have been listed. */
  #hasChanged = true;
  #wake: (() => void) | undefined;

  constructor(folder: string) {
    try {
      this.#watcher = watch(folder, () => {
        this.#hasChanged = true;
        this.#wake?.();
      });
      // Watching only makes it prompt: without it the listing at intervals finds everything.
      this.#watcher.on('error', () => this.close());
    } catch {
      this.#watcher = undefined;
    }
  }

  /** Resolves at the next change, at once if there was one since the last call. */
  async wait(timeoutMs: number, signal: AbortSignal): Promise<void> {
    if (!this.#hasChanged) {
      const woken = new AbortController();
      const wake = () => woken.abort();
      this.#wake = wake;
      signal.addEventListener('abort', wake, { once: true });
      await pause(signal.aborted ? 0 : timeoutMs, woken.signal);
      signal.removeEventListener('abort', wake);
      this.#wake = undefined;
    }
    this.#hasChanged = false;
  }

  close(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }
}
