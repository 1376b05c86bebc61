import type { InferenceSession } from 'onnxruntime-node';
import type { ModelSetup } from '../model-setup.ts';
import { loadError } from '../runtime-error.ts';
import { beforeCpu, chooseProviders } from './choose-providers.ts';
import type { ChosenProviders } from './choose-providers.ts';
import { executionReport } from './execution-report.ts';
import type { ExecutionReport } from './execution-setup.ts';
import { openOnBest } from './open-on-best.ts';
import { ProviderProfile } from './provider-profile.ts';

/** The module `onnxruntime-node`, which only a worker or the probe may load. */
export type OnnxRuntime = typeof import('onnxruntime-node');

export interface OpenedGraph {
  readonly session: InferenceSession;
  readonly execution: GraphExecution;
}

/** y = Relu(x) of one float: what a provider is tried with before the model is. */
const SMALLEST_GRAPH = Buffer.from(
  'CAgSDHZlZGV0dGUtdGVzdDo3CgwKAXgSAXkiBFJlbHUSBWdyYXBoWg8KAXgSCgoICAESBAoCCAFiDwoBeRIKCggIARIECgIIAUIECgAQEQ==',
  'base64',
);

/**
 * Opens the model's graph on the best of the wanted providers that can be had.
 * @throws VedetteError EXECUTION_PROVIDER_UNAVAILABLE, MODEL_LOAD_FAILED with the operator, opset or
 * version named where known, MODEL_FILE_INVALID, MODEL_MEMORY_EXCEEDED
 */
export async function openGraph(runtime: OnnxRuntime, setup: ModelSetup): Promise<OpenedGraph> {
  const { modelFile, opsets, execution } = setup;
  const choices = beforeCpu(execution.providers);
  const chosen = await chooseProviders(choices, {
    backends: runtime.listSupportedBackends().map(({ name }) => name),
    attempt: async (provider) => {
      const options = { executionProviders: [provider], logSeverityLevel: 4 } as const;
      const session = await runtime.InferenceSession.create(SMALLEST_GRAPH, options);
      await session.release();
    },
  });
  try {
    return await openOnBest(choices, chosen, (some) => openOn(runtime, setup, some));
  } catch (error) {
    throw loadError(error, modelFile, opsets);
  }
}

async function openOn(
  runtime: OnnxRuntime,
  { modelFile, threads, execution }: ModelSetup,
  chosen: ChosenProviders,
): Promise<OpenedGraph> {
  const profile = chosen.accelerators.length > 0 ? new ProviderProfile() : undefined;
  try {
    const session = await runtime.InferenceSession.create(modelFile, {
      executionProviders: [...chosen.accelerators, 'cpu'],
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      graphOptimizationLevel: 'all',
      // Errors come as exceptions; the log of the native library would bypass Vedette's own.
      logSeverityLevel: 4,
      extra: { session: { intra_op: { allow_spinning: '0' } } },
      ...(profile ? { enableProfiling: true, profileFilePrefix: profile.prefix } : {}),
    });
    return {
      session,
      execution: new GraphExecution(session, execution.providers, chosen, profile),
    };
  } catch (error) {
    await profile?.discard();
    throw error;
  }
}

/** What a graph runs on: known for the CPU, else told by the profile of its first runs. */
export class GraphExecution {
  readonly #session: InferenceSession;
  readonly #choices: ModelSetup['execution']['providers'];
  readonly #chosen: ChosenProviders;
  readonly #profile: ProviderProfile | undefined;

  constructor(
    session: InferenceSession,
    choices: ModelSetup['execution']['providers'],
    chosen: ChosenProviders,
    profile: ProviderProfile | undefined,
  ) {
    this.#session = session;
    this.#choices = choices;
    this.#chosen = chosen;
    this.#profile = profile;
  }

  /** Once, after the graph has run. @throws VedetteError EXECUTION_PROVIDER_UNAVAILABLE */
  async report(): Promise<ExecutionReport> {
    if (!this.#profile) {
      const fallbacks = this.#chosen.fallbacks.map((fault) => fault.serialize());
      return { provider: 'cpu', fallbacks };
    }
    this.#session.endProfiling();
    return executionReport(this.#choices, this.#chosen, await this.#profile.read());
  }
}
