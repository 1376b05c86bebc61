import { VedetteError } from '../contract/errors.ts';
import type { CameraDriver } from '../contract/ports.ts';
import type { InferenceResult } from '../contract/result.ts';
import type { CaptureStore } from '../delivery/capture-store.ts';
import type { FaultLog } from '../logging/fault-log.ts';
import type { AppendOptions, Registry } from '../registry/registry.ts';
import { settledWithin } from '../timing/settled-within.ts';
import type { JudgedFrame } from './judged-frame.ts';
import type { Metrics } from './metrics.ts';
import type { EncodedPicture } from './pictures.ts';
import type { Snapshots } from './snapshots.ts';
import { isFinal, UnstoredRecords } from '../delivery/unstored-records.ts';

/** The disk is taken to hang when it has not stored a result for so long; judging waits no longer. */
export const STALL_MS = 500;
/** Who was promised a stored result is told after so long that it is not. */
export const PROMISE_MS = 10_000;
/** Pictures of one camera that wait for the disk with their results. */
const MAX_PICTURE_BYTES = 32 * 1024 * 1024;

/** What is stored of a judged frame: no pixels, so that what waits holds no slot. */
export interface ResultRecord {
  readonly judged: Pick<JudgedFrame, 'frame' | 'result' | 'end' | 'error'>;
  /** Present when a rule asked for the picture. */
  readonly picture?: RecordPicture;
}

export interface RecordPicture {
  readonly captureId: string;
  readonly capturedAtMs: number;
  readonly rule: string;
  /** Never rejects. */
  readonly encoded: Promise<EncodedPicture | VedetteError>;
}

interface WaitingRecord extends ResultRecord {
  /** Of its picture, once it is there. */
  readonly pictureBytes: number;
  /** The registry has the result in its own memory, and answers for it. */
  readonly isHeld: boolean;
}

export interface ResultStorageOptions {
  readonly camera: string;
  readonly registry: Pick<Registry, 'appendResult'>;
  readonly captureStore: Pick<CaptureStore, 'save'>;
  readonly driver: Pick<CameraDriver, 'settle'>;
  readonly snapshots: Pick<Snapshots, 'settle'>;
  readonly metrics: Pick<Metrics, 'countNotStored' | 'countCapture'>;
  readonly faults: FaultLog;
  /** A result is on the disk: told once, before anything that follows. */
  readonly onStored: (resultId: string) => void;
  /** It is not, as far as is known, and is not offered again: it is there only if the registry had it already. */
  readonly onNotStored: (resultId: string) => void;
  /** The source waits for its results to be stored, however long; a live one goes on. */
  readonly mayWait: boolean;
  /** The camera stops. */
  readonly signal: AbortSignal;
}

/**
 * Stores the results of a camera, each with its picture, and tells the source. What the registry cannot
 * take now, or does not answer, waits in bounded memory and is stored later; what is given up is counted
 * and logged.
 */
export class ResultStorage {
  readonly #options: ResultStorageOptions;
  readonly #unstored: UnstoredRecords<WaitingRecord>;
  readonly #underWay = new Set<Promise<unknown>>();
  /** Of those, what the disk has not taken for so long that judging waits no longer. */
  readonly #overdue = new Set<Promise<unknown>>();
  #pictureBytes = 0;

  constructor(options: ResultStorageOptions) {
    this.#options = options;
    this.#unstored = new UnstoredRecords({
      store: (waiting) => this.#storeLater(waiting),
      onLost: (waiting, why) => this.#lose(waiting, why),
      mayWait: options.mayWait,
      signal: options.signal,
      charactersOf: ({ judged }) => JSON.stringify(judged.result).length,
    });
  }

  /**
   * @returns the stored result; the one without its number when it is stored later; why it was not
   * stored when it never will be, or when it was promised
   */
  async store(
    record: ResultRecord,
    durability: AppendOptions['durability'],
  ): Promise<InferenceResult | VedetteError> {
    const isPromised = durability === 'promised';
    const { mayWait } = this.#options;
    if (!isPromised && !mayWait && this.#overdue.size > 0) {
      await this.#putOff(record, false);
      return record.judged.result;
    }
    const storing = this.#storeNow(record, durability);
    this.#underWay.add(storing);
    void storing.finally(() => {
      this.#underWay.delete(storing);
      this.#overdue.delete(storing);
    });
    if (mayWait && !isPromised) return storing;
    const limitMs = isPromised ? PROMISE_MS : STALL_MS;
    if (await settledWithin(storing, limitMs)) return storing;
    this.#overdue.add(storing);
    const error = this.#tellStalled(record, limitMs);
    return isPromised ? error : record.judged.result;
  }

  /** After the camera was stopped: resolves when nothing waits to be stored. */
  async ended(): Promise<void> {
    await Promise.all(this.#underWay);
    await this.#unstored.ended();
  }

  #tellStalled({ judged }: ResultRecord, limitMs: number): VedetteError {
    const error = stalled(limitMs);
    this.#options.snapshots.settle(judged.result.id, error);
    this.#warn('store', error, 'a result is not stored yet');
    return error;
  }

  async #storeNow(
    record: ResultRecord,
    durability: AppendOptions['durability'],
  ): Promise<InferenceResult | VedetteError> {
    const { registry, snapshots, metrics, camera, driver } = this.#options;
    const { judged, picture } = record;
    let stored: InferenceResult;
    try {
      stored = await registry.appendResult(named(record), { durability });
    } catch (thrown) {
      const error = VedetteError.from(thrown, 'REGISTRY_UNAVAILABLE');
      snapshots.settle(judged.result.id, error);
      this.#warn('store', error, 'a result could not be stored');
      if (durability === 'promised' || isFinal(error)) {
        metrics.countNotStored(camera);
        this.#options.onNotStored(judged.result.id);
        if (picture) this.#losePicture(error);
        return error;
      }
      // What the registry holds itself is offered again only for what comes after it is stored.
      const isHeld = error.details['isQueued'] === true;
      const isTriggered = judged.result.transaction !== undefined;
      const isAwaited = picture !== undefined || driver.settle !== undefined || isTriggered;
      if (!isHeld || isAwaited) await this.#putOff(record, isHeld);
      return judged.result;
    }
    return this.#complete(record, stored);
  }

  /** What follows a stored result. */
  async #complete(record: ResultRecord, stored: InferenceResult): Promise<InferenceResult> {
    const { judged, picture } = record;
    this.#options.onStored(judged.result.id);
    const isCaptured = picture !== undefined && (await this.#capture(picture, stored));
    await this.#settle(judged);
    if (isCaptured || picture === undefined) return stored;
    const { captureId: _failed, ...withoutCapture } = stored;
    return withoutCapture;
  }

  /** Takes a record into memory, and its picture as long as there is room for it. */
  async #putOff(record: ResultRecord, isHeld: boolean): Promise<void> {
    const { judged, picture } = record;
    const encoded = await picture?.encoded;
    const isPicture = encoded !== undefined && !(encoded instanceof VedetteError);
    const bytes = isPicture ? encoded.bytes.byteLength : 0;
    if (this.#pictureBytes + bytes <= MAX_PICTURE_BYTES) {
      this.#pictureBytes += bytes;
      return this.#unstored.add({ ...record, pictureBytes: bytes, isHeld });
    }
    const message = `${this.#pictureBytes} bytes of pictures wait for the disk, at most ${MAX_PICTURE_BYTES}; one of ${bytes} was given up`;
    this.#losePicture(new VedetteError('OVERLOADED', message));
    const isAwaited = this.#options.driver.settle !== undefined || judged.result.transaction;
    if (isHeld && !isAwaited) return;
    await this.#unstored.add({ judged, pictureBytes: 0, isHeld });
  }

  /**
   * A consuming source keeps its file until the result is really stored. When the process stops before,
   * the file is judged again.
   */
  async #storeLater(waiting: WaitingRecord): Promise<VedetteError | undefined> {
    let stored: InferenceResult;
    try {
      const appending = this.#options.registry.appendResult(named(waiting), {
        durability: 'stream',
      });
      stored = await appending;
    } catch (thrown) {
      return VedetteError.from(thrown, 'REGISTRY_UNAVAILABLE');
    }
    this.#pictureBytes -= waiting.pictureBytes;
    await this.#complete(waiting, stored);
    return undefined;
  }

  #lose({ judged, picture, pictureBytes, isHeld }: WaitingRecord, why: VedetteError): void {
    this.#pictureBytes -= pictureBytes;
    this.#options.onNotStored(judged.result.id);
    if (picture) this.#losePicture(why);
    if (isHeld) return;
    this.#options.metrics.countNotStored(this.#options.camera);
    this.#warn('lost', why, 'a result was given up');
  }

  #losePicture(why: VedetteError): void {
    this.#options.metrics.countCapture(this.#options.camera, 'failed');
    this.#warn('capture', why, 'a picture could not be kept');
  }

  /** Whether the picture of a stored result was kept as well. */
  async #capture(
    { captureId, capturedAtMs, rule, encoded }: RecordPicture,
    result: InferenceResult,
  ): Promise<boolean> {
    const { camera, captureStore, snapshots, metrics } = this.#options;
    try {
      const picture = await encoded;
      if (picture instanceof VedetteError) throw picture;
      const kept = await captureStore.save({
        id: captureId,
        camera,
        capturedAtMs,
        bytes: picture.bytes,
        format: picture.format,
        result,
        rule,
      });
      snapshots.settle(result.id, kept);
      metrics.countCapture(camera, 'stored');
      return true;
    } catch (thrown) {
      const error = VedetteError.from(thrown);
      snapshots.settle(result.id, error);
      this.#losePicture(error);
      return false;
    }
  }

  /** The source moves its file. A file that cannot be moved stays, and is judged again at the next start. */
  async #settle({ frame, end, error: reason }: ResultRecord['judged']): Promise<void> {
    const { camera, driver, faults } = this.#options;
    try {
      await driver.settle?.(frame, end, reason);
    } catch (thrown) {
      const error = VedetteError.from(thrown, 'CAMERA_SOURCE_FAILED');
      faults.warn(
        `settle/${camera}/${error.code}`,
        { camera, fileName: frame.fileName, error },
        'a judged picture could not be moved',
      );
    }
  }

  #warn(what: 'store' | 'lost' | 'capture', error: VedetteError, message: string): void {
    const { camera, faults } = this.#options;
    faults.warn(`${what}/${camera}/${error.code}`, { camera, error }, message);
  }
}

export function stalled(limitMs: number): VedetteError {
  const message = `The disk has not taken a result for ${limitMs} ms; it may still be stored`;
  return new VedetteError('REGISTRY_UNAVAILABLE', message);
}

/** With the name of the capture that is to come, as the result is stored. */
const named = ({ judged: { result }, picture }: ResultRecord) =>
  picture === undefined ? result : { ...result, captureId: picture.captureId };

/** Without the lease, which stays with the caller. */
export function recordOf(
  { frame, result, end, error }: JudgedFrame,
  picture: RecordPicture | undefined,
): ResultRecord {
  const { sequence, capturedAtMs, fileName } = frame;
  return {
    judged: {
      frame: { sequence, capturedAtMs, ...(fileName === undefined ? {} : { fileName }) },
      ...{ result, end },
      ...(error ? { error } : {}),
    },
    ...(picture ? { picture } : {}),
  };
}
