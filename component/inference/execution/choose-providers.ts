import { VedetteError } from '../../contract/errors.ts';
import type { ExecutionProviderChoice } from '../../contract/model-config.ts';
import type { ExecutionProvider } from '../../contract/model-manifest.ts';

/** What can be asked of ONNX Runtime in this thread. */
export interface ProviderTrial {
  /** Names that `onnxruntime-node` can ask for, whether their libraries are there or not. */
  readonly backends: readonly string[];
  /** Makes a session on this provider alone; rejects when it cannot be had. */
  readonly attempt: (provider: ExecutionProvider) => Promise<void>;
}

export interface ChosenProviders {
  /** Accelerators in the order of their preference; none: the model runs on the CPU. */
  readonly accelerators: readonly ExecutionProvider[];
  /** Why preferred ones are not among them. */
  readonly fallbacks: readonly VedetteError[];
}

/**
 * The providers that can be had, of those that are listed before `cpu`.
 * @throws VedetteError EXECUTION_PROVIDER_UNAVAILABLE for a required one that cannot
 */
export async function chooseProviders(
  choices: readonly ExecutionProviderChoice[],
  { backends, attempt }: ProviderTrial,
): Promise<ChosenProviders> {
  const accelerators: ExecutionProvider[] = [];
  const fallbacks: VedetteError[] = [];
  for (const { name, use } of beforeCpu(choices)) {
    let fault: VedetteError | undefined;
    if (!backends.includes(name)) {
      const known = backends.filter((backend) => backend !== 'webgpu').join(', ');
      fault = unavailable(name, `this build of onnxruntime-node can only ask for ${known}`);
    } else {
      fault = await attempt(name).then(
        () => undefined,
        (error: unknown) => unavailable(name, VedetteError.from(error).message, error),
      );
    }
    if (!fault) accelerators.push(name);
    else if (use === 'required') throw fault;
    else fallbacks.push(fault);
  }
  return { accelerators, fallbacks };
}

/** The CPU runs everything: what is listed behind it would never be reached. */
export function beforeCpu(
  choices: readonly ExecutionProviderChoice[],
): readonly ExecutionProviderChoice[] {
  const cpu = choices.findIndex(({ name }) => name === 'cpu');
  return cpu < 0 ? choices : choices.slice(0, cpu);
}

export function unavailable(
  provider: ExecutionProvider,
  why: string,
  cause?: unknown,
): VedetteError {
  return new VedetteError(
    'EXECUTION_PROVIDER_UNAVAILABLE',
    `execution provider '${provider}' cannot be used: ${why}`,
    { cause, details: { executionProvider: provider } },
  );
}
