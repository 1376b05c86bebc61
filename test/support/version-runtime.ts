import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { pino } from 'pino';
import sharp from 'sharp';
import { runtimeConfigSchema } from '../../component/contract/config.ts';
import type {
  ModelChangeRequest,
  ModelLifecycleStatus,
} from '../../component/contract/model-lifecycle.ts';
import type { Notice, ResultQuery, RuntimeEvent } from '../../component/contract/ports.ts';
import type { InferenceResult } from '../../component/contract/result.ts';
import { startEdgeRuntime } from '../../component/start-edge-runtime.ts';
import type { LocalEdgeRuntime } from '../../component/local-edge-runtime.ts';

export interface VersionRuntimeOptions {
  /** Package that the configuration names. */
  readonly package: string;
  readonly rollout?: object;
  readonly model?: object;
  /** Of two cameras, `left` and `right`, in frames a second; they judge every frame. */
  readonly framesPerSecond?: number;
  /** Grey levels of the cameras' pictures. */
  readonly levels?: readonly number[];
  /** Of the run before, for a restart. */
  readonly folder?: string;
}

/** The real runtime with one model, `parts`, and two cameras on it. */
export class VersionRuntime {
  readonly folder: string;
  readonly runtime: LocalEdgeRuntime;
  readonly events: RuntimeEvent[] = [];

  static async start(options: VersionRuntimeOptions): Promise<VersionRuntime> {
    const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'vedette-versions-')));
    const pictures = join(folder, 'pictures');
    const { framesPerSecond = 20, levels = [60, 120, 180] } = options;
    await writePictures(pictures, levels);
    const camera = {
      model: 'parts',
      policy: 'every',
      source: { kind: 'folder', path: pictures, mode: 'loop', framesPerSecond },
    };
    const runtime = await startEdgeRuntime({
      config: runtimeConfigSchema.parse({
        dataFolder: join(folder, 'data'),
        models: {
          parts: { package: options.package, rollout: options.rollout ?? {}, ...options.model },
        },
        cameras: { left: camera, right: camera },
      }),
      version: '0.1.0',
      logger: pino({ level: 'silent' }),
      readSecret: async () => '',
    });
    return new VersionRuntime(folder, runtime);
  }

  private constructor(folder: string, runtime: LocalEdgeRuntime) {
    this.folder = folder;
    this.runtime = runtime;
    runtime.subscribe((event) => this.events.push(event));
  }

  get lifecycle(): ModelLifecycleStatus {
    return this.runtime.model('parts').lifecycle!;
  }

  get notices(): readonly Notice[] {
    return this.runtime.notices();
  }

  /** Asks again until there is something; what never comes is an error that says what there was. */
  async until<T>(
    what: string,
    look: () => T | undefined | Promise<T | undefined>,
    timeoutMs = 60_000,
  ): Promise<T> {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const found = await look();
      if (found !== undefined) return found;
      if (Date.now() > deadline) {
        const { candidate, change, lastChange } = this.lifecycle;
        throw new Error(`never: ${what}; ${JSON.stringify({ candidate, change, lastChange })}`);
      }
      await pause(20);
    }
  }

  ready(): Promise<true> {
    return this.until('ready', () => this.runtime.readiness().isReady || undefined);
  }

  /** Begins a change and waits for its end. Returns why it failed, if it did. */
  async change(request: ModelChangeRequest) {
    await this.runtime.changeModel('parts', request);
    await this.until('the end of the change', () => !this.lifecycle.change || undefined);
    return this.lifecycle.lastChange?.error;
  }

  propose(named: string, mode: 'shadow' | 'canary' | 'swap', cameras: readonly string[] = []) {
    return this.change({ kind: 'propose', package: named, mode, cameras });
  }

  infer(): Promise<InferenceResult> {
    return plainPicture(100).then((data) =>
      this.runtime.inferPicture({ model: 'parts', data, requestId: 'test' }),
    );
  }

  /** Every stored result of a camera, oldest first. */
  async results(camera: string): Promise<InferenceResult[]> {
    const results: InferenceResult[] = [];
    let query: ResultQuery | undefined = { camera, limit: 1000 };
    while (query) {
      const { items, nextCursor } = await this.runtime.results(query);
      results.push(...items);
      query = nextCursor === undefined ? undefined : { camera, limit: 1000, cursor: nextCursor };
    }
    return results.reverse();
  }

  /** Resolves after so many further results of a camera. */
  async further(camera: string, count: number): Promise<void> {
    const { framesJudged } = this.runtime.camera(camera);
    await this.until(
      `${count} further results of ${camera}`,
      () => this.runtime.camera(camera).framesJudged >= framesJudged + count || undefined,
    );
  }

  async stop(): Promise<void> {
    await this.runtime.close();
  }

  async close(): Promise<void> {
    await this.runtime.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

export async function plainPicture(level: number): Promise<Uint8Array<ArrayBuffer>> {
  const background = { r: level, g: level, b: level };
  const create = { width: 16, height: 16, channels: 3 as const, background };
  return new Uint8Array(await sharp({ create }).png().toBuffer());
}

async function writePictures(folder: string, levels: readonly number[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const level of levels) {
    await writeFile(join(folder, `${level}.png`), await plainPicture(level));
  }
}
