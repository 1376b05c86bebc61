import { VedetteError } from '../../contract/errors.ts';
import type { ExecutionProviderChoice } from '../../contract/model-config.ts';
import type { ExecutionProvider } from '../../contract/model-manifest.ts';
import { unavailable } from './choose-providers.ts';
import type { ChosenProviders } from './choose-providers.ts';

/**
 * Opens a model on the best of the accelerators that take it: an accelerator that can be had may
 * still refuse a model, and ONNX Runtime does not say which of several did. Those left out are among
 * `fallbacks` of what `open` gets.
 * @param open rejects when one of the accelerators does not take the model, or when nothing does
 * @throws the last refusal, when all that is required (or the CPU alone) does not take it either
 */
export async function openOnBest<T>(
  choices: readonly ExecutionProviderChoice[],
  { accelerators, fallbacks }: ChosenProviders,
  open: (chosen: ChosenProviders) => Promise<T>,
): Promise<T> {
  const required = choices.filter(({ use }) => use === 'required').map(({ name }) => name);
  const refusals = new Map<ExecutionProvider, VedetteError>();
  let last: unknown;
  for (const some of selections(accelerators, required)) {
    const without = accelerators.filter((name) => !some.includes(name));
    const refused = without.flatMap((name) => refusals.get(name) ?? []);
    try {
      return await open({ accelerators: some, fallbacks: [...fallbacks, ...refused] });
    } catch (error) {
      last = error;
      const why = `it does not take the model: ${VedetteError.from(error).message}`;
      for (const name of some) refusals.set(name, unavailable(name, why, error));
    }
  }
  throw last;
}

/** Best first: all of them, then with the later ones left out, then the earlier ones; required ones stay. */
function* selections(
  [first, ...others]: readonly ExecutionProvider[],
  required: readonly ExecutionProvider[],
): Generator<readonly ExecutionProvider[]> {
  if (first === undefined) {
    yield [];
    return;
  }
  for (const some of selections(others, required)) yield [first, ...some];
  if (!required.includes(first)) yield* selections(others, required);
}
