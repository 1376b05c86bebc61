import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Anomaly, Detection } from '../../../component/contract/result.ts';
import { cutShort } from '../../support/bad-pictures.ts';
import { buildZip } from '../../support/archive-builder.ts';
import { runVedette, samples } from '../../support/runtime-process.ts';
import { brickPictures, streetPictures } from '../../support/sample-pictures.ts';

let folder: string;
const predict = (...args: string[]) => runVedette({ arguments: ['model', 'predict', ...args] });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vedette-predict-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Line {
  readonly picture: string;
  readonly width: number;
  readonly height: number;
  readonly detections?: Detection[];
  readonly anomaly?: Anomaly;
  readonly verdict?: { readonly outcome: string };
  readonly error?: { readonly code: string };
  readonly drawn?: string;
}

const linesOf = (text: string): Line[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);

describe('vedette model predict', () => {
  it('finds in a folder of pictures what is expected of them, draws it, and keeps it as JSON lines', async () => {
    const out = join(folder, 'street');
    const { code, stdout, stderr } = await predict(
      ...[samples('models', 'coco-detector'), samples('images', 'street'), '--json', '--out', out],
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = linesOf(stdout);
    const pictures = streetPictures();
    expect(lines.map(({ picture }) => picture)).toEqual(pictures.map(({ file }) => file));
    for (const [index, { differences, name }] of pictures.entries()) {
      expect({ name, differences: differences(lines[index]!) }).toEqual({ name, differences: [] });
    }
    expect(await readFile(join(out, 'results.jsonl'), 'utf8')).toBe(stdout);

    const [first] = lines;
    const drawn = await sharp(join(out, first!.drawn!)).raw().toBuffer();
    const plain = await sharp(pictures[0]!.file).raw().toBuffer();
    expect(drawn.length).toBe(plain.length);
    const { x, y, width } = first!.detections![0]!.box;
    const onTheBox = 3 * (Math.round(y) * first!.width + Math.round(x + width / 2));
    const colours = [...drawn.subarray(onTheBox, onTheBox + 3)];
    expect(Math.max(...colours.map((c, i) => Math.abs(c - plain[onTheBox + i]!)))).toBeGreaterThan(
      40,
    );
  });

  it('shows the verdicts of an anomaly model on a terminal, and takes another threshold', async () => {
    const [good, bad] = [
      samples('images', 'brick', 'good-00.png'),
      samples('images', 'brick', 'defect-00.png'),
    ];
    const model = samples('models', 'brick-anomaly');
    const { code, stdout } = await predict(model, good, bad);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^brick-anomaly 1\.0\.0, fp32;/);
    expect(stdout).toMatch(/good-00\.png .*0\.43\d < 0\.5$/m);
    expect(stdout).toMatch(/defect-00\.png .*0\.89\d ≥ 0\.5, 1 area, 3\.\d %$/m);
    expect(stdout).toMatch(/^2 pictures in .*prepare .*run .*decode/m);
    const { stdout: json } = await predict(model, good, bad, '--threshold', '0.95', '--json');
    expect(linesOf(json).map(({ verdict }) => verdict?.outcome)).toEqual(['pass', 'pass']);
  });

  it('judges what it can of good and bad files, names the others and ends with 2', async () => {
    const [brick] = brickPictures();
    const half = join(folder, 'half.png');
    await writeFile(half, cutShort(brick!.bytes, 0.5));
    await writeFile(join(folder, 'empty.jpg'), '');
    const { code, stdout, stderr } = await predict(
      ...[samples('models', 'brick-anomaly'), half, join(folder, 'empty.jpg'), brick!.file],
    );
    expect(code).toBe(2);
    expect(stderr).toMatch(/half\.png: IMAGE_CORRUPT: /);
    expect(stderr).toMatch(/empty\.jpg: IMAGE_CORRUPT: the file is empty/);
    expect(stdout).toMatch(/^1 picture in .*2 could not be judged/m);
  });

  it('takes a packed package and pictures of folders below, and draws each under its own name', async () => {
    const archive = join(folder, 'brick-anomaly.zip');
    const model = samples('models', 'brick-anomaly');
    const files = ['model.json', 'model.onnx'];
    const entries = files.map(async (name) => ({ name, data: await readFile(join(model, name)) }));
    await writeFile(archive, buildZip(await Promise.all(entries)));
    const pictures = join(folder, 'parts');
    const [brick] = brickPictures();
    for (const name of ['left/part.png', 'right/part.png', 'right/part.jpg', '.hidden/part.png']) {
      await mkdir(join(pictures, name, '..'), { recursive: true });
      await writeFile(join(pictures, name), brick!.bytes);
    }
    const out = join(folder, 'drawn');
    const { code } = await predict(archive, pictures, '--out', out);
    expect(code).toBe(0);
    expect((await readdir(out, { recursive: true })).sort()).toEqual(
      [
        'left',
        'left/part.jpg',
        'results.jsonl',
        'right',
        'right/part-2.jpg',
        'right/part.jpg',
      ].sort(),
    );
    const inside = await predict(archive, pictures, '--out', join(pictures, 'drawn'));
    expect(inside).toMatchObject({ code: 2, stdout: '' });
    expect(inside.stderr).toMatch(/REQUEST_INVALID: .*drawn lies in .*parts.*folder elsewhere/);
    expect(await readdir(pictures)).not.toContain('drawn');
  });

  it('takes a picture of a clip every so many seconds', async () => {
    const clip = samples('clips', 'walkway.mp4');
    const { code, stdout } = await predict(
      ...[samples('models', 'coco-detector'), clip, '--every', '10', '--json'],
    );
    expect(code).toBe(0);
    const lines = linesOf(stdout);
    const at = lines.map(({ picture }) => picture.slice(clip.length));
    expect(at).toEqual([' @ 0.00 s', ' @ 10.00 s', ' @ 20.00 s']);
    const people = lines.map(({ detections }) =>
      detections!.filter(({ label }) => label === 'person'),
    );
    expect(people.every(({ length }) => length > 0)).toBe(true);
  });

  it('runs a bare ONNX file and says what it guessed', async () => {
    const file = samples('models', 'brick-anomaly', 'model.onnx');
    const { code, stderr, stdout } = await predict(file, samples('images', 'brick', 'good-00.png'));
    expect(code).toBe(0);
    expect(stderr).toMatch(/^guessed: input\.scale 1\/255/m);
    expect(stdout).toMatch(/good-00\.png .*0\.43\d < 0\.5/);
  });

  it('refuses what it cannot run or does not find, before any picture is judged', async () => {
    const refusals: readonly [args: readonly string[], reason: RegExp][] = [
      [['coco-detector', 'README'], /NOT_FOUND: there is no picture or folder at .*README/],
      [['coco-detector', '../models'], /REQUEST_INVALID: there is no picture in .*\.jpg/],
      [['nothing', 'brick'], /NOT_FOUND: there is no model package .*nothing/],
      [
        ['coco-detector', 'street', '--threshold', '3'],
        /'3' is invalid\. Expected a number from 0 to 1/,
      ],
      [
        ['coco-detector', 'street', '--label-threshold', 'prson=0.4'],
        /'prson'; the model has the labels person/,
      ],
    ];
    await Promise.all(
      refusals.map(async ([[model, pictures, ...more], reason]) => {
        const { code, stdout, stderr } = await predict(
          ...[samples('models', model!), samples('images', pictures!), ...more],
        );
        expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
        expect(stderr).toMatch(reason);
        expect(stderr).not.toMatch(/^ +at /m);
      }),
    );
  });
});
