import type { ExecutionProviderChoice } from '../../contract/model-config.ts';
import type { ExecutionProvider } from '../../contract/model-manifest.ts';
import type { SerializedError } from '../../contract/errors.ts';

/** What runs a model, as a worker or the probe is told. */
export interface ExecutionSetup {
  /** Best first; the CPU comes last by itself. */
  readonly providers: readonly ExecutionProviderChoice[];
  /** Absolute path of an ONNX Runtime library; the one of `onnxruntime-node` when absent. */
  readonly library?: string | undefined;
}

export const ON_CPU: ExecutionSetup = { providers: [] };

/** What a session runs on, found out when it was warmed up. */
export interface ExecutionReport {
  /** Where most of the model's time is spent. */
  readonly provider: ExecutionProvider;
  /** Preferred providers that could not be used: EXECUTION_PROVIDER_UNAVAILABLE. */
  readonly fallbacks: readonly SerializedError[];
}

/** Those that a model may run on: variants for others are passed over. */
export const providerNames = (
  choices: readonly ExecutionProviderChoice[],
): readonly ExecutionProvider[] => [
  ...new Set([...choices.map(({ name }) => name), 'cpu' as const]),
];
