import { expect, test } from 'vitest';
import { baselineOf } from '../../../component/pipeline/candidate/canary-watch.ts';

test('pictures that no version could have read are no errors of the version before', () => {
  const error = { outcome: 'error', answerMs: 1 } as const;
  const baseline = baselineOf([
    { outcome: 'pass', errorCode: null, answerMs: 10 },
    { outcome: 'fail', errorCode: null, answerMs: 12 },
    { ...error, errorCode: 'IMAGE_CORRUPT' },
    { ...error, errorCode: 'FRAME_INVALID' },
    { ...error, errorCode: 'OUTPUT_INVALID' },
  ]);
  expect(baseline).toMatchObject({ results: 3, errors: 1, fails: 1, reviews: 0 });
});
