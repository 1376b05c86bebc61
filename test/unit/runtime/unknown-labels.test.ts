import { expect, it } from 'vitest';
import { runtimeConfigSchema } from '../../../component/contract/config.ts';
import { unknownLabels, unknownLabelsText } from '../../../component/unknown-labels.ts';

const folder = { kind: 'folder', path: '/pictures' };
const config = runtimeConfigSchema.parse({
  models: { coco: { package: '/coco' }, other: { package: '/other' } },
  cameras: {
    gate: { model: 'coco', source: folder, thresholds: { labels: { car: 0.5, Persom: 0.4 } } },
    roof: { model: 'other', source: folder, thresholds: { labels: { nothing: 0.4 } } },
    off: { isEnabled: false, model: 'coco', source: folder, thresholds: { labels: { x: 0.4 } } },
  },
  rules: {
    crowd: { camera: 'gate', kind: 'count', label: 'persn', maximum: 3 },
    any: { camera: 'gate', kind: 'count', maximum: 3 },
    doubt: { camera: 'gate', kind: 'score-between', label: 'forklift', from: 0.2, to: 0.5 },
    disabled: { isEnabled: false, camera: 'gate', kind: 'count', label: 'y', maximum: 3 },
    elsewhere: { camera: 'roof', kind: 'count', label: 'z', maximum: 3 },
  },
});

it('labels that no camera of the model can ever get are found, with what may have been meant', () => {
  const unknown = unknownLabels(config, 'coco', ['person', 'parson', 'car', 'cat']);
  expect(unknown).toEqual([
    { path: 'rules.crowd.label', label: 'persn', near: ['person'] },
    { path: 'rules.doubt.label', label: 'forklift', near: [] },
    { path: 'cameras.gate.thresholds.labels.Persom', label: 'Persom', near: ['person', 'parson'] },
  ]);
  expect(unknownLabelsText('coco', unknown.slice(0, 2))).toBe(
    'Model coco has no such label: rules.crowd.label is "persn" (did you mean person?); ' +
      'rules.doubt.label is "forklift"',
  );
});

it('labels that the model has are no fault', () => {
  expect(unknownLabels(config, 'other', ['nothing', 'z'])).toEqual([]);
});
