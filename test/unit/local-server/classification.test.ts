import { expect, it } from 'vitest';
import { topClasses } from '../../../local-server/inference-protocol/classification.ts';
import { checkVersion } from '../../../local-server/inference-protocol/model-version.ts';
import { sampleModel } from '../../support/in-memory-runtime.ts';

it('gives the best classes of each row, with labels where there are any', () => {
  const scores = new Float32Array([0.1, 0.7, 0.2, 0.5, 0.5, 0]);
  const tensor = { name: 'y', dtype: 'float32', shape: [2, 3], data: scores } as const;
  expect(topClasses(tensor, 2, ['cat', 'dog'])).toEqual({
    name: 'y',
    dtype: 'string',
    shape: [2, 2],
    data: ['0.700000:1:dog', '0.200000:2', '0.500000:0:cat', '0.500000:1:dog'],
  });
});

it('gives no more classes than there are', () => {
  const tensor = { name: 'y', dtype: 'int32', shape: [2], data: new Int32Array([3, 9]) } as const;
  expect(topClasses(tensor, 5, undefined)).toMatchObject({
    shape: [2],
    data: ['9.000000:1', '3.000000:0'],
  });
});

it('knows the running version by its major number and by its full name', () => {
  const model = sampleModel('m');
  for (const version of [undefined, '2', '2.3.1']) checkVersion(model, version);
  for (const version of ['1', '2.3', '3.0.0']) {
    expect(() => checkVersion(model, version)).toThrowError(/running is 2 \(2\.3\.1\)/);
  }
});
