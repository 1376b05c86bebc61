import { describe, expect, it } from 'vitest';
import { componentSetSchema } from '../../../cloud-publisher/deployment/component-set.ts';

const COMPONENT = 'io.vedette.model.caps';

describe('a component set', () => {
  it('takes versions with configuration, resets and a user', () => {
    const set = {
      [COMPONENT]: { version: '1.3.0' },
      'io.vedette.EdgeRuntime': {
        version: '1.2.0-rc.1',
        merge: { models: { caps: { package: 'caps@1.3.0' } } },
        reset: ['', '/models', '/a~1b/c~0d'],
        runWith: { posixUser: 'ggc_user:ggc_group', systemResourceLimits: { memory: 4_000_000 } },
      },
    };
    expect(componentSetSchema.parse(set)).toEqual(set);
  });

  it.each([
    ['a version that is a range', { [COMPONENT]: { version: '^1.0.0' } }],
    ['a number above 999999', { [COMPONENT]: { version: '1.0.1000000' } }],
    ['a pointer without its slash', { [COMPONENT]: { version: '1.0.0', reset: ['models'] } }],
    ['a pointer with a wrong escape', { [COMPONENT]: { version: '1.0.0', reset: ['/a~2'] } }],
    ['a name with a space', { 'two words': { version: '1.0.0' } }],
    ['a field that is not known', { [COMPONENT]: { version: '1.0.0', Merge: {} } }],
    ['a merge that is a text', { [COMPONENT]: { version: '1.0.0', merge: '{}' } }],
  ])('refuses %s', (_what, set) => {
    expect(componentSetSchema.safeParse(set).success).toBe(false);
  });
});
