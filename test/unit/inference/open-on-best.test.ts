import { describe, expect, test } from 'vitest';
import { VedetteError } from '../../../component/contract/errors.ts';
import type { ExecutionProviderChoice } from '../../../component/contract/model-config.ts';
import type { ExecutionProvider } from '../../../component/contract/model-manifest.ts';
import { openOnBest } from '../../../component/inference/execution/open-on-best.ts';

const wanted = (...texts: `${ExecutionProvider} ${'required' | 'preferred'}`[]) =>
  texts.map((text) => {
    const [name, use] = text.split(' ');
    return { name, use } as ExecutionProviderChoice;
  });

/** Opens a model that these providers refuse, and says what was tried. */
async function opened(choices: ExecutionProviderChoice[], ...refusing: ExecutionProvider[]) {
  const tried: string[] = [];
  const accelerators = choices.map(({ name }) => name);
  const result = await openOnBest(choices, { accelerators, fallbacks: [] }, async (chosen) => {
    tried.push(chosen.accelerators.join('+') || 'cpu');
    const one = chosen.accelerators.find((name) => refusing.includes(name));
    if (one) throw new VedetteError('MODEL_LOAD_FAILED', `${one} has no Frobnicate`);
    return chosen;
  }).catch((error: unknown) => VedetteError.from(error));
  return { tried, result };
}

describe('a model that accelerators refuse', () => {
  test('goes to the required one when the preferred one before it does not take it', async () => {
    const choices = wanted('tensorrt preferred', 'cuda required');
    const { tried, result } = await opened(choices, 'tensorrt');
    expect(tried).toEqual(['tensorrt+cuda', 'cuda']);
    expect(result).toMatchObject({
      accelerators: ['cuda'],
      fallbacks: [
        {
          code: 'EXECUTION_PROVIDER_UNAVAILABLE',
          details: { executionProvider: 'tensorrt' },
          message: expect.stringContaining('tensorrt has no Frobnicate') as string,
        },
      ],
    });
  });

  test('keeps a preferred one that takes it, whichever of the others does not', async () => {
    const choices = wanted('tensorrt preferred', 'cuda preferred');
    expect((await opened(choices, 'tensorrt')).result).toMatchObject({ accelerators: ['cuda'] });
    expect((await opened(choices, 'cuda')).result).toMatchObject({ accelerators: ['tensorrt'] });
    expect((await opened(choices)).tried).toEqual(['tensorrt+cuda']);
  });

  test('goes to the CPU when none takes it, with a reason for each', async () => {
    const choices = wanted('tensorrt preferred', 'cuda preferred');
    const { tried, result } = await opened(choices, 'tensorrt', 'cuda');
    expect(tried.at(-1)).toBe('cpu');
    expect(result).toMatchObject({
      accelerators: [],
      fallbacks: [
        { details: { executionProvider: 'tensorrt' } },
        { details: { executionProvider: 'cuda' } },
      ],
    });
  });

  test('fails when a required one refuses it, with its reason', async () => {
    const choices = wanted('tensorrt preferred', 'cuda required');
    const { tried, result } = await opened(choices, 'cuda');
    expect(tried).toEqual(['tensorrt+cuda', 'cuda']);
    expect(result).toMatchObject({ code: 'MODEL_LOAD_FAILED', message: 'cuda has no Frobnicate' });
  });
});
