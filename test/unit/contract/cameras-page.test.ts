import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { cameraSchema, cameraSourceSchema } from '../../../component/contract/camera-config.ts';
import { checkCameraSource } from '../../../component/contract/check-camera-source.ts';

const page = readFileSync('docs/CAMERAS.md', 'utf8');
const part = /\n## Examples\n([\s\S]*?)\n## /.exec(page)?.[1] ?? '';
const examples = [...part.matchAll(/```json\n([\s\S]*?)```/g)].map(([, text]) => text!);

it('shows an example of every kind of source, each of which is a camera that can be opened', () => {
  const kinds = new Set<string>();
  for (const text of examples) {
    const camera = cameraSchema.parse(JSON.parse(text));
    expect(checkCameraSource('example', camera), text).toEqual([]);
    kinds.add(camera.source.kind);
  }
  const all = cameraSourceSchema.options.map(({ shape }) => shape.kind.value);
  expect([...kinds].toSorted()).toEqual([...all].toSorted());
});
