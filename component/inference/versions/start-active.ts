import { setTimeout as delay } from 'node:timers/promises';
import { VedetteError } from '../../contract/errors.ts';
import type { ErrorCode } from '../../contract/errors.ts';
import type { RememberedModel } from '../../contract/model-lifecycle.ts';
import type { VersionSet } from './version-set.ts';

/** A failed package is tried again when its files change, or after so long. */
const RETRY_MS = 60_000;
/** And a remembered one so soon, when it was no fault of its own: the line stands meanwhile. */
const PASSING_RETRY_MS = 10_000;
const SIGNATURE_INTERVAL_MS = 2000;
/** What is remembered is asked for so often before the configured package is taken. */
const RECALLS = 5;
const RECALL_INTERVAL_MS = 1000;

/** Faults of a version itself. Others are of the device or of the moment, and may pass. */
const OF_THE_VERSION: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'NOT_FOUND',
  'MODEL_NOT_INSTALLED',
  'MODEL_STORE_CORRUPT',
  'MODEL_PACKAGE_INVALID',
  'MODEL_ARCHIVE_INVALID',
  'MODEL_ARCHIVE_TOO_LARGE',
  'MODEL_FILE_INVALID',
  'MODEL_MISMATCH',
  'MODEL_RUNTIME_UNSUPPORTED',
  'MODEL_LOAD_FAILED',
  'MODEL_PROBE_FAILED',
  'INFERENCE_FAILED',
  'OUTPUT_INVALID',
]);

export interface StartActiveOptions {
  /** Must not throw. */
  readonly onFault: (fault: VedetteError) => void;
  /** Told of the candidate to go on with, when the active version is ready. Must not throw. */
  readonly onCandidate: (candidate: NonNullable<RememberedModel['candidate']>) => void;
}

/**
 * Brings the active version up when the process starts: the one that is remembered, or the one that
 * is configured when the configuration names another package than before, or when the remembered one
 * is gone or damaged. Whichever fails otherwise is tried again and again.
 */
export class StartActive {
  readonly #versions: VersionSet;
  readonly #options: StartActiveOptions;
  readonly #abort = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  constructor(versions: VersionSet, options: StartActiveOptions) {
    this.#versions = versions;
    this.#options = options;
  }

  /** Resolves when it is ready or failed. Never rejects. */
  async start(): Promise<void> {
    try {
      await this.#take(await this.#recall());
    } catch (thrown) {
      this.#options.onFault(VedetteError.from(thrown));
    }
    if (!this.#versions.isClosed) await this.#load();
  }

  close(): void {
    this.#abort.abort();
    clearTimeout(this.#timer);
  }

  /** A registry that is busy for a moment must not bring an older version back. */
  async #recall(): Promise<RememberedModel | undefined> {
    for (let recall = 1; ; recall += 1) {
      try {
        return await this.#versions.memory.recall();
      } catch (thrown) {
        if (recall === RECALLS || this.#versions.isClosed) throw thrown;
        const { signal } = this.#abort;
        await delay(RECALL_INTERVAL_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  async #take(remembered: RememberedModel | undefined): Promise<void> {
    if (!remembered) return;
    const { memory } = this.#versions;
    const { configuredPackage } = memory.known;
    if (remembered.configuredPackage === configuredPackage) {
      const { activePackage, previousPackage } = remembered;
      const previous = previousPackage === undefined ? undefined : { package: previousPackage };
      await this.#versions.replaceUnloaded(activePackage, previous);
      return;
    }
    const reason = new VedetteError(
      'CONFIG_CHANGED',
      `the configuration names ${configuredPackage}, and named ${remembered.configuredPackage} before: ` +
        `${remembered.activePackage} does not run any longer` +
        (remembered.isPinned ? ', and the pin on it is lifted' : ''),
    );
    this.#versions.record('restored', configuredPackage, 'start', { reason });
    await memory.save({});
  }

  async #load(): Promise<void> {
    const { active, memory } = this.#versions;
    const signature = await active.signature();
    if (!this.#isWanted(active)) return;
    try {
      await active.load(signature);
    } catch (thrown) {
      if (!this.#isWanted(active)) return;
      const error = VedetteError.from(thrown);
      this.#options.onFault(error);
      const isConfigured = active.packageName === memory.known.configuredPackage;
      if (!isConfigured && OF_THE_VERSION.has(error.code)) await this.#fallBack(error);
      else this.#retryLater(signature, isConfigured ? RETRY_MS : PASSING_RETRY_MS);
      return;
    }
    if (!this.#isWanted(active)) return;
    if (active.packageName !== memory.known.activePackage) await this.#remember(active.packageName);
    const { candidate } = memory.known;
    if (candidate) this.#options.onCandidate(candidate);
  }

  /** Neither closed nor replaced by a change meanwhile. */
  #isWanted(active: VersionSet['active']): boolean {
    return !this.#versions.isClosed && this.#versions.active === active;
  }

  /** A line must not stand because a version that came later is gone or damaged. */
  async #fallBack(reason: VedetteError): Promise<void> {
    const { configuredPackage } = this.#versions.memory.known;
    this.#versions.record('restored', configuredPackage, 'start', { reason });
    const replaced = this.#versions.replaceUnloaded(configuredPackage, undefined);
    const { active } = this.#versions;
    await replaced;
    if (this.#isWanted(active)) await this.#load();
  }

  /** What was fallen back to is the version from now on: nothing else of the run before holds. */
  async #remember(activePackage: string): Promise<void> {
    const failed = this.#versions.memory.known.activePackage;
    const none = { previousPackage: undefined, candidate: undefined, isPinned: false };
    try {
      await this.#versions.memory.correct((known) =>
        known.activePackage === failed ? { ...none, activePackage } : {},
      );
    } catch (thrown) {
      this.#options.onFault(VedetteError.from(thrown));
    }
  }

  #retryLater(signature: string, afterMs: number): void {
    const { active } = this.#versions;
    const retryAt = Date.now() + afterMs;
    const look = async () => {
      const now = await active.signature();
      if (!this.#isWanted(active)) return;
      if (now !== signature || Date.now() >= retryAt) await this.#load();
      else this.#timer = setTimeout(() => void look(), SIGNATURE_INTERVAL_MS);
    };
    this.#timer = setTimeout(() => void look(), SIGNATURE_INTERVAL_MS);
  }
}
