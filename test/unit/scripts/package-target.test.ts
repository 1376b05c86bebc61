import { expect, test } from 'vitest';
import { platformsMadeOn, targetOf } from '../../../scripts/package/target.ts';

test('an x86-64 machine makes artifacts for both platforms, an Arm machine for itself', () => {
  expect(platformsMadeOn('x64')).toEqual(['linux/amd64', 'linux/arm64']);
  expect(platformsMadeOn('arm64').map((name) => targetOf(name).nodeArch)).toEqual(['arm64']);
});
