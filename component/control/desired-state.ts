import { isDeepStrictEqual } from 'node:util';
import type { z } from 'zod';
import {
  desiredCameraSchema,
  desiredModelSchema,
  type DesiredCamera,
} from '../contract/device-desired.ts';
import { VedetteError, type SerializedError } from '../contract/errors.ts';
import type { Maintenance } from './maintenance.ts';
import { isTree, type ShadowTree } from './shadow-diff.ts';

/** What was desired and could not be had is tried again so often: its model may have come meanwhile. */
const RETRY_MS = 300_000;
/** The same comes with every report while it is not fulfilled; it is looked at again at most so often. */
const SAME_AGAIN_MS = 60_000;

export interface DesiredActions {
  /** The package that answers. @throws VedetteError MODEL_NOT_FOUND */
  readonly activePackage: (model: string) => string | undefined;
  /** Resolves when it answers. @throws VedetteError as `EdgeRuntime.changeModel` and of the change */
  readonly swapModel: (model: string, wanted: string, signal: AbortSignal) => Promise<void>;
  /** As configured now. @throws VedetteError CAMERA_NOT_FOUND */
  readonly camera: (name: string) => Required<DesiredCamera>;
  /** Applies all or nothing. @throws VedetteError CONFIG_INVALID and others */
  readonly setCameras: (cameras: Readonly<Record<string, DesiredCamera>>) => Promise<void>;
}

export interface DesiredStateOptions {
  readonly actions: DesiredActions;
  readonly maintenance: Maintenance;
  /** After something was done or refused. */
  readonly onChange: () => void;
}

/** Does what the device shadow desires, and remembers why what it did not. */
export class DesiredState {
  readonly #options: DesiredStateOptions;
  readonly #closing = new AbortController();
  #refused = new Map<string, SerializedError>();
  #waiting: ShadowTree | undefined;
  #working: Promise<void> | undefined;
  #last: { readonly state: ShadowTree; readonly atMs: number } | undefined;
  #retry: NodeJS.Timeout | undefined;

  constructor(options: DesiredStateOptions) {
    this.#options = options;
  }

  /** Why what is desired is not in force, by its path: `models/bricks/package`. */
  get refused(): ReadonlyMap<string, SerializedError> {
    return this.#refused;
  }

  /** What differs. While one is worked on, only the newest of those that come waits. */
  take(state: ShadowTree): void {
    const { state: last, atMs = 0 } = this.#last ?? {};
    const isSame = isDeepStrictEqual(last, state);
    if (isSame && performance.now() - atMs < SAME_AGAIN_MS) return;
    this.#waiting = state;
    this.#working ??= this.#work().finally(() => (this.#working = undefined));
  }

  async close(): Promise<void> {
    this.#closing.abort();
    clearTimeout(this.#retry);
    await this.#working;
  }

  async #work(): Promise<void> {
    for (;;) {
      const state = this.#waiting;
      this.#waiting = undefined;
      if (state === undefined || this.#closing.signal.aborted) return;
      clearTimeout(this.#retry);
      const before = this.#refused;
      const refused = new Map<string, SerializedError>();
      const changed = await this.#fulfil(state, refused);
      if (this.#closing.signal.aborted) return;
      this.#refused = refused;
      this.#last = { state, atMs: performance.now() };
      if (changed || !isDeepStrictEqual(codesOf(before), codesOf(refused)))
        this.#options.onChange();
      if (refused.size > 0) this.#tryAgain(state, retryOf(refused));
    }
  }

  #tryAgain(state: ShadowTree, afterMs: number): void {
    this.#retry = setTimeout(() => {
      this.#last = undefined;
      this.take(state);
    }, afterMs);
    this.#retry.unref();
  }

  /** Whether anything was changed. */
  async #fulfil(state: ShadowTree, refused: Map<string, SerializedError>): Promise<boolean> {
    for (const key of Object.keys(state)) {
      if (key === 'models' || key === 'cameras') continue;
      refused.set(key, notDesired(`${key} cannot be desired; models and cameras can`).serialize());
    }
    const models = entriesOf(state, 'models', refused);
    const cameras = entriesOf(state, 'cameras', refused);
    let isChanged = await this.#fulfilCameras(cameras, refused);
    for (const [name, wanted] of models) {
      const path = `models/${name}/package`;
      try {
        const { package: named } = parsed(desiredModelSchema, wanted, `models/${name}`);
        isChanged = (await this.#fulfilModel(name, named)) || isChanged;
      } catch (thrown) {
        refused.set(path, VedetteError.from(thrown).serialize());
      }
    }
    return isChanged;
  }

  async #fulfilModel(name: string, wanted: string): Promise<boolean> {
    const { actions, maintenance } = this.#options;
    if (actions.activePackage(name) === wanted) return false;
    const answer = maintenance.ask(`model ${name} to ${wanted}`, 'change');
    if (!answer.mayPass) {
      throw new VedetteError(
        'MAINTENANCE_AWAITED',
        `model ${name} waits with ${wanted}: ${answer.reasons.join('; ')}`,
        { details: { recheckAfterMs: answer.recheckAfterMs } },
      );
    }
    await actions.swapModel(name, wanted, this.#closing.signal);
    return true;
  }

  async #fulfilCameras(
    desired: readonly (readonly [string, unknown])[],
    refused: Map<string, SerializedError>,
  ): Promise<boolean> {
    const changes: Record<string, DesiredCamera> = {};
    for (const [name, wanted] of desired) {
      try {
        const now = this.#options.actions.camera(name);
        const camera = parsed(desiredCameraSchema, wanted, `cameras/${name}`);
        if (!isDeepStrictEqual({ ...now, ...camera }, now)) changes[name] = camera;
      } catch (thrown) {
        refused.set(`cameras/${name}`, VedetteError.from(thrown).serialize());
      }
    }
    if (Object.keys(changes).length === 0) return false;
    try {
      await this.#options.actions.setCameras(changes);
      return true;
    } catch (thrown) {
      const error = VedetteError.from(thrown).serialize();
      for (const name of Object.keys(changes)) refused.set(`cameras/${name}`, error);
      return false;
    }
  }
}

const notDesired = (message: string) => new VedetteError('REQUEST_INVALID', message);

function entriesOf(
  state: ShadowTree,
  key: 'models' | 'cameras',
  refused: Map<string, SerializedError>,
): [string, unknown][] {
  const section = state[key];
  if (section === undefined) return [];
  if (isTree(section)) return Object.entries(section);
  refused.set(key, notDesired(`${key} must be a map by name`).serialize());
  return [];
}

function parsed<T extends z.ZodType>(schema: T, value: unknown, path: string): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path: at, message }) => `${at.join('/')} ${message}`);
  throw notDesired(`${path}: ${problems.join('; ')}`);
}

const codesOf = (refused: ReadonlyMap<string, SerializedError>): unknown =>
  [...refused].map(([path, { code, message }]) => [path, code, message]);

function retryOf(refused: ReadonlyMap<string, SerializedError>): number {
  const waits = [...refused.values()].flatMap(({ details }) => {
    const afterMs = details?.['recheckAfterMs'];
    return typeof afterMs === 'number' ? [afterMs] : [];
  });
  return Math.min(RETRY_MS, ...waits);
}
