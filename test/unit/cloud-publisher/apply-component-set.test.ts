import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyComponentSet } from '../../../cloud-publisher/deployment/apply-component-set.ts';
import { checkDocument } from '../../../cloud-publisher/deployment/document-limits.ts';
import { rollBackDocument } from '../../../cloud-publisher/deployment/roll-back-document.ts';
import { configured } from '../../support/emulated-aws/emulated-device.ts';

const MODEL = 'io.vedette.model.caps';
const RUNTIME = 'io.vedette.EdgeRuntime';
const FOREIGN = 'com.example.LogShipper';
const foreign = {
  componentVersion: '3.1.0',
  configurationUpdate: { merge: '{ "bucket": "logs" }', reset: ['/old'] },
  runWith: { posixUser: 'logs' },
};
const base = {
  [FOREIGN]: foreign,
  [MODEL]: { componentVersion: '1.0.0' },
  [RUNTIME]: {
    componentVersion: '1.0.0',
    configurationUpdate: { merge: '{"log":{"level":"warn"},"list":[1,2]}', reset: ['/server'] },
  },
};

describe('a component set on a target', () => {
  it('leaves what others put there as it is, to the letter', () => {
    const { components } = applyComponentSet(base, { [MODEL]: { version: '2.0.0' } });
    expect(components[FOREIGN]).toBe(foreign);
    expect(components[RUNTIME]).toBe(base[RUNTIME]);
    expect(components[MODEL]).toEqual({ componentVersion: '2.0.0' });
  });

  it('carries on configuration that was deployed before, without its resets', () => {
    const merge = { log: { file: 'x' }, list: [3] };
    const { components, changes } = applyComponentSet(base, {
      [RUNTIME]: { version: '1.1.0', merge },
    });
    expect(components[RUNTIME]).toEqual({
      componentVersion: '1.1.0',
      configurationUpdate: {
        merge: JSON.stringify({ log: { level: 'warn', file: 'x' }, list: [3] }),
      },
    });
    expect(changes).toEqual([
      {
        component: RUNTIME,
        kind: 'changed',
        from: '1.0.0',
        to: '1.1.0',
        configuration: [
          { pointer: '/log/file', after: 'x' },
          { pointer: '/list', before: [1, 2], after: [3] },
        ],
        reset: [],
      },
    ]);
  });

  it('forgets deployed configuration where it is reset', () => {
    const { components, changes } = applyComponentSet(base, {
      [RUNTIME]: { version: '1.0.0', reset: ['/log'] },
    });
    expect(components[RUNTIME]?.configurationUpdate).toEqual({
      merge: '{"list":[1,2]}',
      reset: ['/log'],
    });
    expect(changes).toMatchObject([{ kind: 'configured', reset: ['/log'] }]);
  });

  it('changes nothing when all of it is there already, and resets nothing again', () => {
    const set = { [RUNTIME]: { version: '1.0.0', merge: { log: { level: 'warn' } } } };
    const { components, changes } = applyComponentSet(base, set);
    expect(changes).toEqual([]);
    expect(components).toEqual({
      ...base,
      [RUNTIME]: {
        componentVersion: '1.0.0',
        configurationUpdate: { merge: base[RUNTIME].configurationUpdate.merge },
      },
    });
  });

  it('takes out what is to go, and adds what is new', () => {
    const set = { 'io.vedette.model.new': { version: '1.0.0' } };
    const { components, changes } = applyComponentSet(base, set, [MODEL, 'not.there']);
    expect(Object.keys(components)).toEqual([FOREIGN, RUNTIME, 'io.vedette.model.new']);
    expect(changes.map(({ kind, component }) => `${kind} ${component}`)).toEqual([
      `removed ${MODEL}`,
      'added io.vedette.model.new',
    ]);
  });

  it('refuses a merge on the target that is no JSON object', () => {
    const broken = {
      [MODEL]: { componentVersion: '1.0.0', configurationUpdate: { merge: '[1]' } },
    };
    expect(() => applyComponentSet(broken, { [MODEL]: { version: '2.0.0' } })).toThrow(
      /merge of io\.vedette\.model\.caps that is no JSON object/,
    );
  });
});

describe('the way back', () => {
  const key = fc.constantFrom('a', 'b', 'c/d', 'e~f');
  const { tree } = fc.letrec<{ tree: Record<string, unknown> }>((tie) => ({
    tree: fc.dictionary(
      key,
      fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        fc.integer(),
        fc.array(fc.integer(), { maxLength: 2 }),
        tie('tree'),
      ),
      { maxKeys: 3 },
    ),
  }));

  it('brings the configuration of a device back to what it was, whatever was merged', () => {
    fc.assert(
      fc.property(tree, tree, (before, merge) => {
        const old = {
          components: {
            [RUNTIME]: {
              componentVersion: '1.0.0',
              ...(Object.keys(before).length > 0
                ? { configurationUpdate: { merge: JSON.stringify(before) } }
                : {}),
            },
          },
        };
        const set = { [RUNTIME]: { version: '2.0.0', merge: merge as never } };
        const { components } = applyComponentSet(old.components, set);
        const back = rollBackDocument(old, components);
        const deployed = [old.components, components, back.components].map(
          (one) => one[RUNTIME]?.configurationUpdate ?? {},
        );
        const [first, second, third] = deployed as { merge?: string; reset?: string[] }[];
        const was = configured({}, {}, first!);
        const is = configured(configured(was, {}, second!), {}, third!);
        expect(is).toEqual(was);
        expect(back.components[RUNTIME]?.componentVersion).toBe('1.0.0');
      }),
      { numRuns: process.env['VEDETTE_DEEP'] === '1' ? 20_000 : 500 },
    );
  });

  it('leaves others alone, and repeats no reset of the deployment before', () => {
    const before = { components: base };
    const { components } = applyComponentSet(base, { [RUNTIME]: { version: '2.0.0' } });
    const back = rollBackDocument(before, components).components;
    expect(back[FOREIGN]).toBe(foreign);
    expect(back[RUNTIME]).toEqual({
      componentVersion: '1.0.0',
      configurationUpdate: { merge: base[RUNTIME].configurationUpdate.merge },
    });
  });

  it('keeps resets few and short, however much was merged', () => {
    const many = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`k${index}`, 1]));
    const long = { ['x'.repeat(200)]: { ['y'.repeat(200)]: 1 } };
    const before = { components: { [RUNTIME]: base[RUNTIME] } };
    const { components } = applyComponentSet(before.components, {
      [RUNTIME]: { version: '2.0.0', merge: { log: many, list: [9], ...long } },
    });
    const { reset = [] } =
      rollBackDocument(before, components).components[RUNTIME]?.configurationUpdate ?? {};
    expect(reset).toContain('/log');
    expect(reset.length).toBeLessThanOrEqual(50);
    expect(Math.max(...reset.map((pointer) => pointer.length))).toBeLessThanOrEqual(256);
  });

  it('takes out what was added and puts back what was removed', () => {
    const { components } = applyComponentSet(base, { new: { version: '1.0.0' } }, [MODEL]);
    expect(rollBackDocument({ components: base }, components)).toEqual({ components: base });
  });
});

describe('a deployment document', () => {
  const thing = 'arn:aws:iot:eu-west-1:123456789012:thing/station-1';
  const group = 'arn:aws:iot:eu-west-1:123456789012:thinggroup/line-7';
  const sized = (bytes: number) => ({
    components: {
      [MODEL]: { componentVersion: '1.0.0', configurationUpdate: { merge: 'x'.repeat(bytes) } },
    },
  });

  it('that is larger than its target takes is refused, with the largest parts', () => {
    expect(() => checkDocument(thing, sized(6000))).not.toThrow();
    expect(() => checkDocument(thing, sized(7000))).toThrow(
      /for station-1 takes about \d+ bytes, a thing 7000; .* io\.vedette\.model\.caps 70\d\d/,
    );
    expect(() => checkDocument(group, sized(7000))).not.toThrow();
    expect(() => checkDocument(group, sized(31_000))).toThrow(/DEPLOYMENT|a thing group 31000/);
  });
});
