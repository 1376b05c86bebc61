import { mkdtempSync } from 'node:fs';
import { readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { VedetteError } from '../../contract/errors.ts';
import type { ExecutionProvider } from '../../contract/model-manifest.ts';

/** ONNX Runtime's own names, as they stand in a profile. */
const PROVIDERS: Readonly<Record<string, ExecutionProvider>> = {
  CPUExecutionProvider: 'cpu',
  XnnpackExecutionProvider: 'xnnpack',
  CUDAExecutionProvider: 'cuda',
  TensorrtExecutionProvider: 'tensorrt',
  OpenVINOExecutionProvider: 'openvino',
  QNNExecutionProvider: 'qnn',
};

const profileSchema = z.array(
  z.looseObject({
    cat: z.string(),
    dur: z.number().optional(),
    args: z.looseObject({ provider: z.string().optional() }).optional(),
  }),
);

/** Microseconds that the nodes of a graph took, by the provider that ran them. */
export type ProviderTimes = ReadonlyMap<ExecutionProvider, number>;

/**
 * ONNX Runtime gives nodes that an accelerator does not take to the CPU without a word. Its profile of
 * a run is the one place that says which provider ran each node.
 */
export class ProviderProfile {
  readonly #folder: string;

  constructor() {
    this.#folder = mkdtempSync(join(tmpdir(), 'vedette-profile-'));
  }

  /** For `profileFilePrefix` of a session. */
  get prefix(): string {
    return join(this.#folder, 'profile');
  }

  /** Once profiling has ended. Removes the file. @throws VedetteError INTERNAL when there is none */
  async read(): Promise<ProviderTimes> {
    try {
      const [name] = await readdir(this.#folder);
      if (name === undefined) throw new VedetteError('INTERNAL', 'ONNX Runtime wrote no profile');
      return providerTimes(JSON.parse(await readFile(join(this.#folder, name), 'utf8')));
    } finally {
      await this.discard();
    }
  }

  async discard(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** @throws VedetteError INTERNAL for something else than a profile */
export function providerTimes(profile: unknown): ProviderTimes {
  const events = profileSchema.safeParse(profile);
  if (!events.success) {
    throw new VedetteError(
      'INTERNAL',
      'the profile of ONNX Runtime has another form than expected',
    );
  }
  const times = new Map<ExecutionProvider, number>();
  for (const { cat, dur = 0, args } of events.data) {
    const provider = args?.provider === undefined ? undefined : PROVIDERS[args.provider];
    if (cat !== 'Node' || provider === undefined) continue;
    times.set(provider, (times.get(provider) ?? 0) + dur);
  }
  return times;
}
