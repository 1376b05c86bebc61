import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { RuntimeProcess } from '../runtime-process.ts';
import { EmulatedNucleus } from './emulated-nucleus.ts';
import type { Personality } from './personality.ts';

export const COMPONENT_NAME = 'io.vedette.EdgeRuntime';

/** The work folder of a component under an emulated nucleus, and the processes started in it. */
export class ComponentFolder {
  readonly nucleus: EmulatedNucleus;
  readonly #root: string;
  readonly #runtimes: RuntimeProcess[] = [];

  static async create(personality: Personality, configuration: object): Promise<ComponentFolder> {
    const folder = await mkdtemp(path.join(tmpdir(), 'vedette-component-'));
    await mkdir(path.join(folder, 'work', COMPONENT_NAME), { recursive: true });
    const copy = structuredClone(configuration) as { [key: string]: unknown };
    return new ComponentFolder(await EmulatedNucleus.start(personality, copy), folder);
  }

  private constructor(nucleus: EmulatedNucleus, folder: string) {
    this.nucleus = nucleus;
    this.#root = folder;
  }

  /** `{kernel:rootPath}` of recipes. */
  get rootPath(): string {
    return this.#root;
  }

  /** `{work:path}` of the component. */
  get path(): string {
    return path.join(this.#root, 'work', COMPONENT_NAME);
  }

  /**
   * Starts the component as its recipe does; `program` is that of an unpacked artifact. A whole test
   * run has one, see `prepare-run.ts`; else it is the clone's.
   */
  async start(
    program: readonly [string, ...string[]] | undefined = packagedProgram(),
  ): Promise<RuntimeProcess> {
    const runtime = await RuntimeProcess.start({
      arguments: ['run', '--greengrass'],
      environment: this.nucleus.environment,
      folder: this.path,
      ...(program ? { program } : {}),
    });
    this.#runtimes.push(runtime);
    return runtime;
  }

  async close(): Promise<void> {
    for (const runtime of this.#runtimes) if (runtime.isAlive) await runtime.stop('SIGKILL');
    await this.nucleus.close();
    await rm(this.#root, { recursive: true, force: true });
  }
}

function packagedProgram(): readonly [string] | undefined {
  const program = process.env['VEDETTE_TEST_PROGRAM'];
  return program === undefined ? undefined : [program];
}
