import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { parseOrNothing } from '../configuration/parse-or-nothing.ts';
import { VedetteError } from '../contract/errors.ts';
import { nameSchema, versionSchema, type ModelReference } from '../contract/model-manifest.ts';
import { SPOOL, type SpoolRequest } from '../contract/model-spool.ts';
import type { Logger } from '../logging/create-logger.ts';
import { writeSynced } from '../configuration/write-synced.ts';
import { SpoolFolder } from './spool-folder.ts';

export interface ModelSpoolOptions {
  readonly workFolder: string;
  readonly logger: Logger;
  /** Installs and tries a package; rejects with the reason when it cannot be used. */
  readonly install: (
    request: SpoolRequest,
    signal: AbortSignal,
  ) => Promise<{ readonly isNew: boolean }>;
  /** Has models that run another version go over to this one; rejects with why one did not. */
  readonly takeOver: (model: ModelReference, signal: AbortSignal) => Promise<void>;
  /** So many versions that a component brought last stay installed. */
  readonly keptVersions: () => number;
  /** Whether this version is installed and whole. */
  readonly isInstalled: (model: ModelReference) => Promise<boolean>;
  /** Removes a version that no component brings any more; `false` while it is in use. */
  readonly remove: (model: ModelReference) => Promise<boolean>;
}

const POLL_MS = 500;
/** How often it is looked whether components were removed, in milliseconds. */
const REMOVAL_MS = 60_000;

const modelSchema = z.strictObject({ name: nameSchema, version: versionSchema });
const recordSchema = z.strictObject({
  package: z.string(),
  size: z.number(),
  mtimeMs: z.number(),
  model: modelSchema,
  /** Versions that it brought before and that are installed still, newest first. */
  before: z.array(modelSchema).default([]),
});
const recordsSchema = z.record(z.string(), recordSchema);
type ComponentRecord = z.infer<typeof recordSchema>;
type Records = z.infer<typeof recordsSchema>;

/** Installs the models of model components, one after the other, and removes them with their components. */
export class ModelSpool {
  readonly #options: ModelSpoolOptions;
  readonly #folder: SpoolFolder;
  readonly #recordFile: string;
  readonly #closing = new AbortController();
  #records: Records = {};
  #working: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #lookedForRemovalMs = -Infinity;

  constructor(options: ModelSpoolOptions) {
    this.#options = options;
    this.#folder = new SpoolFolder(options.workFolder);
    this.#recordFile = path.join(options.workFolder, SPOOL.folder, 'components.json');
  }

  async open(): Promise<void> {
    await this.#folder.open();
    this.#records = await this.#readRecords();
    this.#next();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    clearTimeout(this.#timer);
    await this.#working;
  }

  #next(): void {
    if (this.#closing.signal.aborted) return;
    this.#timer = setTimeout(() => {
      this.#working = this.#work().then(() => this.#next());
    }, POLL_MS);
  }

  async #work(): Promise<void> {
    const { logger } = this.#options;
    try {
      for (const waiting of await this.#folder.waiting()) {
        if (this.#closing.signal.aborted) return;
        if ('problem' in waiting)
          await this.#refuse(waiting.id, 'REQUEST_INVALID', waiting.problem);
        else await this.#serve(waiting.request);
      }
      if (performance.now() - this.#lookedForRemovalMs < REMOVAL_MS) return;
      this.#lookedForRemovalMs = performance.now();
      await this.#removeAbandoned();
      await this.#folder.removeOldAnswers(Date.now());
      await this.#folder.removeOldParts(Date.now());
    } catch (thrown) {
      const error = VedetteError.from(thrown).serialize();
      logger.error({ error }, 'requests of model components could not be served; tried again');
    }
  }

  async #serve(request: SpoolRequest): Promise<void> {
    const { logger } = this.#options;
    const { id, component, componentVersion, model } = request;
    const text = `${model.name} ${model.version}`;
    try {
      const found = await stat(request.package).catch((cause: unknown) => {
        const reason = (cause as NodeJS.ErrnoException).code ?? String(cause);
        throw new VedetteError('MODEL_ARCHIVE_INVALID', `${request.package}: ${reason}`, { cause });
      });
      await this.#requireOwn(component, model);
      const archive = { package: request.package, size: found.size, mtimeMs: found.mtimeMs, model };
      const known = this.#records[component];
      const isKnown = known !== undefined && isSame(known, archive);
      if (!isKnown || !(await this.#options.isInstalled(model))) {
        logger.info({ component, componentVersion }, `model ${text} is being installed`);
        await this.#install(request);
        const brought = known ? [known.model, ...known.before] : [];
        const before = brought.filter((one) => !isSameModel(one, model));
        await this.#keep({ ...this.#records, [component]: { ...archive, before } });
        await this.#removeOlder(component);
      }
      const message = `${text} is installed`;
      await this.#folder.answer({ schemaVersion: 1, id, state: 'ready', message });
      logger.info({ component, componentVersion }, `model ${text} is installed`);
    } catch (thrown) {
      // Not answered: the next process finds the request again.
      if (this.#closing.signal.aborted) return;
      const error = VedetteError.from(thrown);
      logger.error(
        { component, componentVersion, error: error.serialize() },
        `model ${text} is refused`,
      );
      await this.#refuse(id, error.code, error.message);
    }
  }

  /** A version that models do not take over is not kept, if this installed it. */
  async #install(request: SpoolRequest): Promise<void> {
    const { install, takeOver, remove } = this.#options;
    const { signal } = this.#closing;
    const { isNew } = await install(request, signal);
    try {
      await takeOver(request.model, signal);
    } catch (error) {
      if (isNew && !signal.aborted) await remove(request.model);
      throw error;
    }
  }

  /** The component that came first keeps its model, for as long as it is there. */
  async #requireOwn(component: string, model: ModelReference): Promise<void> {
    for (const [other, record] of Object.entries(this.#records)) {
      if (other === component || record.model.name !== model.name) continue;
      if (!(await exists(record.package))) continue;
      throw new VedetteError(
        'MODEL_COMPONENT_CONFLICT',
        `model ${model.name} is brought by component ${other} already, as version ${record.model.version}; ${component} cannot bring it too`,
        { details: { model: model.name, component, owner: other } },
      );
    }
  }

  /** What is in use stays, and is looked at again later. */
  async #removeOlder(component: string): Promise<void> {
    const { remove, keptVersions, logger } = this.#options;
    const record = this.#records[component];
    if (!record) return;
    const kept = record.before.slice(0, keptVersions() - 1);
    for (const one of record.before.slice(keptVersions() - 1)) {
      if (!(await remove(one))) kept.push(one);
      else logger.info({ component }, `model ${one.name} ${one.version} was removed: it is older`);
    }
    if (kept.length === record.before.length) return;
    await this.#keep({ ...this.#records, [component]: { ...record, before: kept } });
  }

  async #keep(records: Records): Promise<void> {
    await writeSynced(this.#recordFile, JSON.stringify(records));
    this.#records = records;
  }

  async #refuse(id: string, code: string, message: string): Promise<void> {
    await this.#folder.answer({ schemaVersion: 1, id, state: 'refused', code, message });
  }

  /** Nucleus lite tells nobody that a component was removed: its archive is gone. */
  async #removeAbandoned(): Promise<void> {
    for (const [component, record] of Object.entries(this.#records)) {
      if (await exists(record.package)) await this.#removeOlder(component);
      else await this.#removeAll(component, record);
    }
  }

  async #removeAll(component: string, record: ComponentRecord): Promise<void> {
    const { logger, remove } = this.#options;
    const others = Object.entries(this.#records).filter(([other]) => other !== component);
    const left: ModelReference[] = [];
    for (const one of [record.model, ...record.before]) {
      const isShared = others.some(([, { model }]) => isSameModel(model, one));
      if (!isShared && !(await remove(one))) left.push(one);
    }
    const { [component]: _, ...rest } = this.#records;
    const [model, ...before] = left;
    if (model !== undefined) {
      if (left.length <= record.before.length) {
        await this.#keep({ ...rest, [component]: { ...record, model, before } });
      }
      return;
    }
    await this.#keep(rest);
    const { name, version } = record.model;
    logger.info({ component }, `model ${name} ${version} was removed with its component`);
  }

  async #readRecords(): Promise<Records> {
    let text: string;
    try {
      text = await readFile(this.#recordFile, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
      throw error;
    }
    const parsed = recordsSchema.safeParse(parseOrNothing(text));
    if (parsed.success) return parsed.data;
    // Components ask again after every start, which fills it.
    this.#options.logger.warn(`${this.#recordFile} is damaged; it is begun anew`);
    return {};
  }
}

async function exists(file: string): Promise<boolean> {
  try {
    await stat(file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

const isSameModel = (a: ModelReference, b: ModelReference): boolean =>
  a.name === b.name && a.version === b.version;

const isSame = (known: ComponentRecord, now: Omit<ComponentRecord, 'before'>): boolean =>
  known.package === now.package &&
  known.size === now.size &&
  known.mtimeMs === now.mtimeMs &&
  isSameModel(known.model, now.model);
