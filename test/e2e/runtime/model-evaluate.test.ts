import { copyFile, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfiguration } from '../../../component/configuration/load-configuration.ts';
import { ModelPackages } from '../../support/model-packages.ts';
import { runVedette, samples } from '../../support/runtime-process.ts';
import { brickPictures, streetPictures } from '../../support/sample-pictures.ts';

let folder: string;
const evaluate = (...args: string[]) => runVedette({ arguments: ['model', 'evaluate', ...args] });
const brick = samples('models', 'brick-anomaly');
const detector = samples('models', 'coco-detector');

/** Copies files into a new folder below the one of the test. */
async function gather(name: string, files: readonly string[]): Promise<string> {
  const place = join(folder, name);
  await mkdir(place, { recursive: true });
  await Promise.all(files.map((file) => copyFile(file, join(place, basename(file)))));
  return place;
}

const bricks = (prefix: string): string[] =>
  brickPictures()
    .filter(({ name }) => name.startsWith(prefix))
    .map(({ file }) => file);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vedette-evaluate-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Answer {
  readonly good: number;
  readonly bad: number;
  readonly areaUnderRoc: number;
  readonly current: { threshold: number; escapes: number; falseRejects: number };
  readonly suggested: { threshold: number; escapes: number; falseRejects: number };
  readonly configuration: string;
  readonly categories: { category: string; pictures: number; wrongNow: number }[];
  readonly pictures: { picture: string; truth: string; score: number; isMisjudged: boolean }[];
  readonly failures: { name: string; error: { code: string } }[];
  readonly repeated: string[];
}

describe('vedette model evaluate', () => {
  it('counts escapes and false rejects of an anomaly model, suggests a threshold, and reports it with pictures', async () => {
    const good = await gather('good', bricks('good'));
    const bad = await gather('bad', bricks('defect'));
    const report = join(folder, 'report');
    const { code, stdout, stderr } = await evaluate(
      ...[brick, good, bad, '--threshold', '0.6', '--report', report],
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    // Known of these pictures (samples/images/brick/expected.json): one defect scores 0.59.
    expect(stdout).toMatch(/^brick-anomaly 1\.0\.0, fp32: 12 good and 12 bad pictures$/m);
    expect(stdout).toMatch(/AUROC 1\.000/);
    expect(stdout).toMatch(/^0\.5 +suggested +0 of 12 \(0 %; up to 24 %\) +0 of 12/m);
    expect(stdout).toMatch(/^0\.6 +current +1 of 12 \(8\.3 %; 1\.5–35 %\) +0 of 12/m);
    expect(stdout).toMatch(/up to 24 % of all bad parts pass/);
    expect(stdout).toMatch(/0\.59\d* +escape +.*defect-01\.png|0\.58\d* +escape +.*defect-01\.png/);

    const answer = JSON.parse(await readFile(join(report, 'evaluation.json'), 'utf8')) as Answer;
    for (const picture of brickPictures()) {
      const found = answer.pictures.find(({ picture: name }) => basename(name) === picture.name)!;
      const anomaly = { score: found.score, isAnomalous: found.score >= 0.5, threshold: 0.5 };
      expect(picture.differences({ anomaly })).toEqual([]);
    }
    expect(answer.pictures.filter((one) => one.isMisjudged).map(({ truth }) => truth)).toEqual([
      'bad',
    ]);
    expect((await readdir(report)).sort()).toEqual([
      'evaluation.json',
      'histogram.png',
      'histogram.svg',
      'index.html',
      'pictures',
      'roc.svg',
    ]);
    const page = await readFile(join(report, 'index.html'), 'utf8');
    expect(page).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
    const shown = [...page.matchAll(/<img src="([^"]+)"/g)].map(([, file]) => file!);
    expect(shown[0]).toContain('defect-01.jpg');
    for (const file of shown) {
      const { format } = await sharp(join(report, decodeURIComponent(file))).metadata();
      expect(format).toBe('jpeg');
    }
    const { format, width } = await sharp(join(report, 'histogram.png')).metadata();
    expect({ format, width }).toEqual({ format: 'png', width: 840 });
  });

  it('takes detections of bad labels for defects, and a data set laid out as MVTec has it', async () => {
    const street = streetPictures();
    await gather('mvtec/test/good', bricks('good').slice(0, 3));
    await gather(
      'mvtec/test/people',
      street.slice(2, 4).map(({ file }) => file),
    );
    await gather('mvtec/test/fruits', [street[0]!.file]);
    await gather('mvtec/train/good', bricks('good').slice(3, 4));
    const { code, stdout } = await evaluate(
      ...[detector, join(folder, 'mvtec'), '--bad-label', 'person', '--max-escapes', '1', '--json'],
    );
    expect(code).toBe(0);
    const answer = JSON.parse(stdout) as Answer;
    expect(answer).toMatchObject({ good: 3, bad: 3, current: { threshold: 0.3, escapes: 1 } });
    expect(
      answer.categories.map(({ category, pictures, wrongNow }) => [category, pictures, wrongNow]),
    ).toEqual([
      ['fruits', 1, 1],
      ['good', 3, 0],
      ['people', 2, 0],
    ]);
    const people = answer.pictures.filter(({ picture }) => picture.includes('people'));
    for (const { picture, score } of people) {
      expect({ picture, isSure: score > 0.55 }).toEqual({ picture, isSure: true });
    }
    expect(answer.suggested).toMatchObject({ escapes: 1, falseRejects: 0 });

    // The lines that it gives are a configuration, once a camera is named.
    const text = answer.configuration.replaceAll('<camera>', 'gate');
    const file = join(folder, 'pasted.yaml');
    const camera = `models: { finder: { package: ${detector} } }\n${text.replace('  gate:\n', '  gate:\n    model: finder\n    source: { kind: push }\n')}`;
    await writeFile(file, camera);
    const { config } = await loadConfiguration({ file });
    expect(config.cameras['gate']?.thresholds.labels).toEqual({
      person: answer.suggested.threshold,
    });
    expect(Object.values(config.rules)).toMatchObject([
      { kind: 'count', label: 'person', maximum: 0 },
    ]);
  });

  it('of a classifier takes the bad classes for defects, and compares the first class with the folder', async () => {
    const packages = await ModelPackages.create();
    // Three scores: how red, how green and how blue the picture is.
    const model = await packages.add(
      {
        inputs: [{ name: 'image', dtype: 'float32', shape: ['batch', 3, 8, 8] }],
        outputs: [{ name: 'scores', dtype: 'float32', shape: ['batch', 3] }],
        nodes: [
          {
            operator: 'ReduceMean',
            inputs: ['image'],
            outputs: ['scores'],
            attributes: [
              { name: 'axes', ints: [2, 3] },
              { name: 'keepdims', int: 0 },
            ],
          },
        ],
      },
      {
        name: 'parts',
        task: 'classification',
        output: { decoder: 'classification', activation: 'none', scoreThreshold: 0.3 },
        labels: ['ok', 'scratch', 'dent'],
      },
    );
    const paint = async (name: string, r: number, g: number, b: number) => {
      const file = join(folder, 'classes', name);
      await mkdir(join(file, '..'), { recursive: true });
      const create = { width: 16, height: 16, channels: 3 as const, background: { r, g, b } };
      await sharp({ create }).png().toFile(file);
    };
    await paint('ok/a.png', 250, 10, 10);
    await paint('ok/b.png', 240, 40, 0);
    await paint('ok/c.png', 200, 51, 0);
    await paint('scratch/a.png', 10, 250, 0);
    await paint('scratch/b.png', 10, 0, 102);
    await paint('dent/a.png', 0, 0, 200);
    const { code, stdout } = await evaluate(model, join(folder, 'classes'));
    await packages.close();
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /: 3 good and 3 bad pictures\njudged by the best score of the classes 'scratch', 'dent'; AUROC 1\.000/,
    );
    // At 0.5, the scratch that looks like a dent of 102 / 255 passes.
    expect(stdout).toMatch(/^0\.5 +current +1 of 3/m);
    expect(stdout).toMatch(/^0\.3 +suggested +0 of 3 .* 0 of 3/m);
    expect(stdout).toMatch(
      /first class is that of the folder for 5 of 6 .*taken were scratch for dent 1 ×/,
    );
    expect(stdout).toMatch(/kind: score-between, label: dent, from: 0\.3, to: 1, outcome: fail/);
  });

  it('leaves out what cannot be read and counts once what is there twice, and says both', async () => {
    const good = await gather('few-good', bricks('good').slice(0, 2));
    const bad = await gather('few-bad', bricks('defect').slice(0, 2));
    await copyFile(bricks('good')[0]!, join(good, 'again.png'));
    await writeFile(join(bad, 'broken.png'), 'no picture');
    const { code, stdout, stderr } = await evaluate(brick, good, bad, '--json');
    expect(code).toBe(2);
    expect(stderr).toMatch(/broken\.png: IMAGE_FORMAT_UNSUPPORTED/);
    const answer = JSON.parse(stdout) as Answer;
    expect(answer).toMatchObject({
      good: 2,
      bad: 2,
      repeated: [expect.stringContaining('good-00.png')],
    });
    expect(answer.failures.map(({ name }) => basename(name))).toEqual(['broken.png']);
  });

  it('refuses sets that it could not tell anything of', async () => {
    const good = await gather('ok', bricks('good').slice(0, 2));
    const bad = await gather('both', [...bricks('defect').slice(0, 1), bricks('good')[1]!]);
    const empty = join(folder, 'empty');
    await mkdir(empty);
    const unreadable = join(folder, 'unreadable');
    await mkdir(unreadable);
    await writeFile(join(unreadable, 'a.png'), 'no picture');
    const refusals: readonly [args: readonly string[], reason: RegExp][] = [
      [[brick, good, bad], /1 of the pictures are called good and bad at once: .*good-01\.png/],
      [[brick, good, empty], /there is no picture in .*empty/],
      [[brick, good], /expected a folder of good pictures and one of bad ones.*holds no folder/],
      [[brick, good, unreadable], /2 good and 0 bad pictures could be judged.*a\.png/],
      [[samples('models', 'movenet-pose'), good, unreadable], /task is keypoint-detection/],
      [[detector, good, unreadable, '--bad-label', 'prson'], /--bad-label names 'prson'/],
    ];
    await Promise.all(
      refusals.map(async ([args, reason]) => {
        const { code, stdout, stderr } = await evaluate(...args);
        expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
        expect(stderr).toMatch(reason);
      }),
    );
  });
});
