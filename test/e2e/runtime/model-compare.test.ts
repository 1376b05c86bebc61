import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runVedette, samples } from '../../support/runtime-process.ts';

let folder: string;
const compare = (...args: string[]) => runVedette({ arguments: ['model', 'compare', ...args] });
const detector = samples('models', 'coco-detector');
const street = (name: string) => samples('images', 'street', name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vedette-compare-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Answer {
  readonly pictures: number;
  readonly same: number;
  readonly matched: number;
  readonly onlyFirst: number;
  readonly first: { readonly variant: string };
  readonly second: { readonly variant: string };
  readonly differences: { picture: string; isSame: boolean; onlyFirst: number[] }[];
}

describe('vedette model compare', () => {
  it('shows where two variants differ, and draws these pictures side by side', async () => {
    const out = join(folder, 'report');
    const pictures = ['home.jpg', 'walkway-12.jpg'].map(street);
    const { code, stdout, stderr } = await compare(
      ...[
        detector,
        detector,
        '--variant-b',
        'int8',
        ...pictures,
        '--threshold',
        '0.4',
        '--out',
        out,
      ],
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^A {2}coco-detector 1\.0\.0, fp32\nB {2}coco-detector 1\.0\.0, int8$/m);
    // The quantised model misses small birds, which the float one finds (samples/README.md).
    expect(stdout).toMatch(/home\.jpg: only A: bird 0\.\d\d/);
    const answer = JSON.parse(await readFile(join(out, 'comparison.json'), 'utf8')) as Answer;
    expect(answer).toMatchObject({
      pictures: 2,
      first: { variant: 'fp32' },
      second: { variant: 'int8' },
    });
    expect(answer.matched).toBeGreaterThan(5);
    const differing = answer.differences.filter(({ isSame }) => !isSame);
    expect(stdout).toContain(`They agree on ${2 - differing.length} of 2 pictures`);
    const page = await readFile(join(out, 'index.html'), 'utf8');
    expect(page).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
    const files = [...page.matchAll(/<img src="([^"]+)"/g)].map(([, file]) =>
      decodeURIComponent(file!),
    );
    expect(files).toHaveLength(differing.length);
    const source = await sharp(street('home.jpg')).metadata();
    const drawn = await sharp(join(out, files[0]!)).metadata();
    expect(drawn.width).toBeGreaterThan(1.9 * Math.min(760, source.width));
  });

  it('finds a model the same as itself, and goes on over a picture that cannot be read', async () => {
    const broken = join(folder, 'broken.jpg');
    await writeFile(broken, 'no picture');
    const { code, stdout, stderr } = await compare(
      detector,
      detector,
      broken,
      street('walkway-00.jpg'),
      '--json',
    );
    expect(code).toBe(2);
    expect(stderr).toMatch(/broken\.jpg: IMAGE_FORMAT_UNSUPPORTED/);
    expect(JSON.parse(stdout)).toMatchObject({ pictures: 1, same: 1, onlyFirst: 0, onlySecond: 0 });
  });

  it('refuses models that give different kinds of findings', async () => {
    const { code, stdout, stderr } = await compare(
      ...[detector, samples('models', 'brick-anomaly'), street('home.jpg')],
    );
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/the first gives detections, the second anomaly/);
  });
});
