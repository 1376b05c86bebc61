import { setTimeout as pause } from 'node:timers/promises';
import {
  explainConfiguration,
  type ExplainedSetting,
} from '../configuration/explain-configuration.ts';
import {
  configurationChanges,
  needsProcess,
  pathOf,
} from '../configuration/configuration-changes.ts';
import {
  ConfigurationHistory,
  type ConfigurationChangeRecord,
} from '../configuration/configuration-history.ts';
import { leafPaths, type ConfigurationTree } from '../configuration/configuration-layer.ts';
import { configurationHash } from '../configuration/configuration-hash.ts';
import type { LoadedConfiguration } from '../configuration/load-configuration.ts';
import { redactSetting } from '../configuration/redact-setting.ts';
import { StationFile } from '../configuration/station-file.ts';
import type { ConfigurationStatus } from '../contract/configuration-status.ts';
import { VedetteError } from '../contract/errors.ts';
import type { ConfigurationControl } from '../edge-runtime.ts';
import type { Logger } from '../logging/create-logger.ts';
import type { VedetteProcess } from './vedette-process.ts';

/** The layers as they were read, and what they give. */
export interface ReadLayers {
  readonly loaded: LoadedConfiguration;
  /** Why what was asked for cannot run: these layers are those of before. */
  readonly refusal?: VedetteError | undefined;
  /** Remembers them, once they are in force. */
  readonly keep?: () => Promise<void>;
  /** Names what the deployment asks for, the same each time. */
  readonly deployment?: string;
}

/** A deployment's change waits for the line. */
export interface AwaitedChange {
  /** MAINTENANCE_AWAITED with `recheckAfterMs` in its details, too. */
  readonly reason: VedetteError;
  /** Milliseconds until it should be tried again. */
  readonly recheckAfterMs: number;
}

export interface ConfigurationKeeperOptions {
  readonly vedette: VedetteProcess;
  readonly logger: Logger;
  /** What the process was started with. */
  readonly first: ReadLayers;
  /**
   * Reads every layer anew.
   * @param station in place of what the station file holds
   * @throws VedetteError CONFIG_INVALID, CONFIG_UNREADABLE, GREENGRASS_*
   */
  readonly read: (station?: ConfigurationTree) => Promise<ReadLayers>;
  /** The same with the deployment that ran last; nothing when it cannot run with this station's part. */
  readonly lastGood?: (station?: ConfigurationTree) => Promise<ReadLayers | undefined>;
  /**
   * Why what the deployment asks for has to wait, since going over to it would disturb the line now;
   * `undefined`: it need not.
   */
  readonly waitFor?: (asked: ReadLayers, before: LoadedConfiguration) => AwaitedChange | undefined;
}

/** How often it is looked whether somebody wrote the station file, in milliseconds. */
const LOOK_MS = 1000;
/** A file that was written within so many milliseconds may be written still. */
const SETTLE_MS = 100;
/** What was refused last, and the configuration that cannot be used however often it is tried. */
const NOTHING = { message: '', hash: '' };

/**
 * Brings into force what the layers say, one change after the other: of the deployment, of the station
 * file by hand, of the station file through the API. What is refused changes nothing, and is told.
 */
export class ConfigurationKeeper implements ConfigurationControl {
  readonly #options: ConfigurationKeeperOptions;
  readonly #station: StationFile;
  readonly #history: ConfigurationHistory;
  #inForce: LoadedConfiguration;
  /** Of the file when it was read last; unknown until the first look, since it may have changed. */
  #signature = '';
  #refused = NOTHING;
  #last: Promise<unknown> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: ConfigurationKeeperOptions) {
    const { dataFolder } = options.first.loaded.config;
    this.#options = options;
    this.#station = new StationFile(dataFolder);
    this.#history = new ConfigurationHistory(dataFolder);
    this.#inForce = options.first.loaded;
  }

  /** Remembers what the process was started with, and begins to look after the station file. */
  async open(): Promise<void> {
    const { first, vedette } = this.#options;
    vedette.runtime.configurationControl = this;
    vedette.accompany(this);
    if (first.refusal) await this.#refuse(first.refusal, 'start');
    else await this.#keep(first);
    this.#look();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  /**
   * Every layer may have changed. Resolves when what they say is in force or refused.
   * @param by `heartbeat` when nobody said so: what was refused is not tried again then
   * @returns milliseconds until it should be tried again, when it waits for the line
   */
  refresh(by: string): Promise<number | undefined> {
    return this.#inTurn(async () => {
      let hash = '';
      try {
        const asked = await this.#options.read();
        hash = configurationHash(asked.loaded.config);
        if (by === 'heartbeat' && hash === this.#refused.hash) return undefined;
        const { read, awaited } = await this.#permitted(asked);
        await this.#bringIn(read, awaited, by);
        if (awaited) return awaited.recheckAfterMs;
        if (read.refusal) await this.#refuse(read.refusal, by);
        else this.#refused = NOTHING;
      } catch (thrown) {
        const error = VedetteError.from(thrown);
        await this.#refuse(error, by, error.retryable ? '' : hash);
        const { recheckAfterMs } = error.details;
        if (typeof recheckAfterMs === 'number') return recheckAfterMs;
      }
      return undefined;
    });
  }

  /** The same for who must know why it is not in force. @throws VedetteError */
  reload(by: string): Promise<void> {
    return this.#inTurn(async () => {
      const { read, awaited } = await this.#permitted(await this.#options.read());
      await this.#bringIn(read, awaited, by);
      if (read.refusal) await this.#refuse(read.refusal, by);
    });
  }

  explain(): readonly ExplainedSetting[] {
    return explainConfiguration(this.#inForce);
  }

  async stationSettings(): Promise<ConfigurationTree> {
    return redactSetting(await this.#station.settings(), '') as ConfigurationTree;
  }

  changes(limit: number): Promise<readonly ConfigurationChangeRecord[]> {
    return this.#history.newest(limit);
  }

  changeStation(patch: ConfigurationTree, by: string): Promise<ConfigurationStatus> {
    return this.#inTurn(async () => {
      const { vedette, read, logger } = this.#options;
      const before = this.#inForce.config;
      try {
        const text = await this.#station.patched(patch);
        const station = this.#station.treeOf(text);
        const permitted = await this.#permitted(await read(station), station);
        const { loaded, refusal } = permitted.read;
        if (needsProcess(before, loaded.config)) await this.#write(text);
        await this.#bringIn(permitted.read, permitted.awaited, by, () =>
          this.#write(text).catch(async (error: unknown) => {
            await vedette.apply(before);
            throw error;
          }),
        );
        if (refusal) await this.#refuse(refusal, by);
        return vedette.runtime.configurationStatus();
      } catch (thrown) {
        const error = VedetteError.from(thrown);
        logger.warn({ error, by }, 'a change of the station file is refused');
        await this.#record(by, 'refused', leafPaths(patch), error);
        throw error;
      }
    });
  }

  /**
   * What may be in force now: while what the deployment changes waits for the line, the deployment of
   * before with what the station and the device shadow say now.
   * @throws VedetteError MAINTENANCE_AWAITED when these need what waits
   */
  async #permitted(
    asked: ReadLayers,
    station?: ConfigurationTree,
  ): Promise<{ readonly read: ReadLayers; readonly awaited?: AwaitedChange }> {
    const { lastGood, waitFor } = this.#options;
    if (asked.refusal || !waitFor) return { read: asked };
    const before = await lastGood?.(station);
    const from = before?.loaded ?? this.#inForce;
    if (configurationHash(from.config) === configurationHash(asked.loaded.config)) {
      return { read: asked };
    }
    const awaited = waitFor(asked, from);
    if (!awaited) return { read: asked };
    if (!before) throw awaited.reason;
    return { read: before, awaited };
  }

  /** @param write makes a change of the station last, before it counts */
  async #bringIn(
    read: ReadLayers,
    awaited: AwaitedChange | undefined,
    by: string,
    write?: () => Promise<void>,
  ): Promise<void> {
    const before = this.#inForce;
    const isWhole = !awaited && read.refusal === undefined;
    const outcome = await this.#apply(read.loaded, by, isWhole);
    try {
      await write?.();
    } catch (error) {
      this.#inForce = before;
      throw error;
    }
    // What another process is to run is good when that one runs, which it remembers itself.
    if (outcome === 'in-force') await this.#keep(read);
    // Shown last: what is brought into force takes back what was said before.
    if (awaited) this.#options.vedette.runtime.refuseConfiguration(awaited.reason);
  }

  get #hash(): string {
    return this.#options.vedette.runtime.configurationStatus().hash;
  }

  /** @param isWhole nothing of what was asked for is left out */
  async #apply(
    loaded: LoadedConfiguration,
    by: string,
    isWhole: boolean,
  ): Promise<'in-force' | 'restarting'> {
    const { vedette, logger } = this.#options;
    const before = this.#inForce.config;
    const paths = configurationChanges(before, loaded.config).map(pathOf);
    const isRefused = vedette.runtime.configurationStatus().refusal !== undefined;
    if (needsProcess(before, loaded.config)) await this.#record(by, 'restarting', paths);
    if (paths.length > 0 || (isRefused && isWhole)) await vedette.apply(loaded.config);
    this.#inForce = loaded;
    if (needsProcess(before, loaded.config)) return 'restarting';
    if (paths.length > 0) {
      logger.info({ by, paths }, 'another configuration is in force');
      await this.#record(by, 'in-force', paths);
    }
    return 'in-force';
  }

  /** What is only asked again, as a heartbeat does, is told once. */
  async #refuse(refusal: VedetteError, by: string, hash = ''): Promise<void> {
    const { vedette, logger } = this.#options;
    if (this.#isClosed) return;
    const isTold = refusal.message === this.#refused.message;
    this.#refused = { message: refusal.message, hash };
    const { refusal: shown } = vedette.runtime.configurationStatus();
    if (shown?.error.message !== refusal.message) vedette.runtime.refuseConfiguration(refusal);
    if (isTold) return;
    const error = refusal.serialize();
    logger.error({ error, by }, 'the configuration is refused; what ran before goes on');
    const problems = (refusal.details['problems'] ?? []) as readonly { path: string }[];
    const paths = problems.map(({ path }) => path);
    await this.#record(by, 'refused', paths, refusal);
  }

  async #write(text: string): Promise<void> {
    await this.#station.write(text);
    this.#signature = await this.#station.signature();
  }

  /** That something cannot be remembered now is no reason to stop: it is in force. */
  async #keep({ keep, loaded }: Pick<ReadLayers, 'keep' | 'loaded'>): Promise<void> {
    try {
      await keep?.();
      await this.#station.keep(loaded.station);
    } catch (thrown) {
      const error = VedetteError.from(thrown, 'STORAGE_FULL');
      this.#options.logger.error({ error }, 'the configuration in force could not be remembered');
    }
  }

  async #record(
    by: string,
    outcome: ConfigurationChangeRecord['outcome'],
    paths: readonly string[],
    reason?: VedetteError,
  ): Promise<void> {
    const { logger } = this.#options;
    const hash = this.#hash;
    const why = reason === undefined ? {} : { reason: `${reason.code}: ${reason.message}` };
    const at = new Date().toISOString();
    try {
      await this.#history.append({ at, by, outcome, hash, paths: [...paths], ...why });
    } catch (thrown) {
      logger.error({ error: VedetteError.from(thrown) }, 'a change could not be recorded');
    }
  }

  #look(): void {
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => void this.#lookAtStation().finally(() => this.#look()), LOOK_MS);
    this.#timer.unref();
  }

  async #lookAtStation(): Promise<void> {
    try {
      const signature = await this.#station.signature();
      if (signature === this.#signature || this.#isClosed) return;
      await pause(SETTLE_MS);
      if (signature !== (await this.#station.signature())) return;
      this.#signature = signature;
      await this.refresh('station file');
    } catch (thrown) {
      await this.#refuse(VedetteError.from(thrown), 'station file');
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }
}
