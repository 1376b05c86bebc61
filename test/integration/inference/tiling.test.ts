import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WHOLE_FRAME } from '../../../component/contract/frame.ts';
import type { Box } from '../../../component/contract/frame.ts';
import type { AnomalyMap, InferenceRequest } from '../../../component/contract/ports.ts';
import type { Anomaly } from '../../../component/contract/result.ts';
import { tilingSchema } from '../../../component/contract/tiling-config.ts';
import { ModelHost } from '../../../component/inference/model-host.ts';
import { boundsOf } from '../../../component/inference/tiling/join-areas.ts';
import { inferTiled } from '../../../component/inference/tiling/infer-tiled.ts';
import { intersectionOverUnion } from '../../../component/contract/box-overlap.ts';
import { ModelPackages, modelConfig } from '../../support/model-packages.ts';
import { outputsModel } from '../decode/head-model.ts';

const samples = join(import.meta.dirname, '../../../samples');
const bytesOf = async (...path: string[]) => new Uint8Array(await readFile(join(samples, ...path)));

async function openModel(name: string, folder = join(samples, 'models', name)): Promise<ModelHost> {
  const model = new ModelHost({
    name,
    config: modelConfig(folder, { timeoutMs: 120_000 }),
    maxImagePixels: 50_000_000,
    trust: { isTrusted: async () => true, record: async () => {} },
    onChange: () => {},
    onFault: () => {},
  });
  await model.start();
  return model;
}

const asked = (data: Uint8Array<ArrayBuffer>, more: Partial<InferenceRequest> = {}) => ({
  image: { kind: 'encoded' as const, data: new Uint8Array(data) },
  view: WHOLE_FRAME,
  thresholds: { score: 0.35, labels: {} },
  wantsAnomalyMap: false,
  ...more,
});

describe('a detector', () => {
  let model: ModelHost;
  beforeAll(async () => {
    model = await openModel('coco-detector');
  });
  afterAll(() => model.close(1000));

  it('finds in a picture of one tile what it finds without tiles', async () => {
    const picture = await bytesOf('images', 'street', 'walkway-00.jpg');
    const large = tilingSchema.parse({ tileWidth: 768, tileHeight: 576, withWholePicture: true });
    const tiled = await inferTiled(model, asked(picture), large);
    expect(tiled.findings).toEqual((await model.infer(asked(picture))).findings);
  });

  it('finds every person in 24 megapixels once, those on borders of tiles too', async () => {
    // A person with what surrounds him, in a size that the detector knows from the whole clip.
    const cut = { left: 420, top: 100, width: 190, height: 190 };
    const patch = await sharp(join(samples, 'images', 'street', 'walkway-00.jpg'))
      .extract(cut)
      .toBuffer();
    const inPatch = { x: 499.6 - cut.left, y: 155 - cut.top, width: 29.6, height: 76.5 };
    // Tiles begin every 618 and 426 pixels and end 150 later: these persons stand in and on borders.
    const columns = [90, 560, 670, 1210, 2430, 3050, 4300, 5750];
    const rows = [70, 380, 480, 1650, 2120, 3780];
    const places = columns.flatMap((x, column) =>
      rows.filter((_, row) => (row + column) % 2 === 0).map((y) => ({ x, y })),
    );
    const picture = new Uint8Array(
      await sharp({ create: { width: 6000, height: 4000, channels: 3, background: '#8f918c' } })
        .composite(places.map(({ x, y }) => ({ input: patch, left: x, top: y })))
        .jpeg({ quality: 92 })
        .toBuffer(),
    );
    const tiling = tilingSchema.parse({ tileWidth: 768, tileHeight: 576, overlapPx: 150 });
    const { findings, picture: size } = await inferTiled(model, asked(picture), tiling);
    expect(size).toEqual({ width: 6000, height: 4000 });

    const persons = findings.detections!.filter(({ label }) => label === 'person');
    const truth = places.map(({ x, y }) => ({ ...inPatch, x: x + inPatch.x, y: y + inPatch.y }));
    const hits = (box: Box) => persons.filter((one) => intersectionOverUnion(one.box, box) > 0.3);
    expect(truth.map((box) => hits(box).length)).toEqual(truth.map(() => 1));
    const best = truth.map((box) => intersectionOverUnion(hits(box)[0]!.box, box));
    expect(Math.min(...best)).toBeGreaterThan(0.6);
    for (const [index, one] of persons.entries()) {
      for (const other of persons.slice(index + 1)) {
        expect(intersectionOverUnion(one.box, other.box)).toBeLessThan(0.5);
      }
    }
  }, 120_000);
});

describe('an anomaly model', () => {
  let model: ModelHost;
  beforeAll(async () => {
    model = await openModel('brick-anomaly');
  });
  afterAll(() => model.close(1000));
  const wanted = { thresholds: { labels: {} } };

  it('gives the highest score of its tiles, and areas and map where they are in the whole', async () => {
    const names = ['good-00', 'defect-00', 'good-01', 'defect-03', 'good-02', 'good-03'];
    const files = names.map((name) => join(samples, 'images', 'brick', `${name}.png`));
    const wall = new Uint8Array(
      await sharp({ create: { width: 768, height: 512, channels: 3, background: '#000' } })
        .composite(
          files.map((input, i) => ({ input, left: (i % 3) * 256, top: Math.floor(i / 3) * 256 })),
        )
        .png()
        .toBuffer(),
    );
    const [alone, maps] = [[] as Anomaly[], [] as AnomalyMap[]];
    for (const name of names) {
      const picture = await bytesOf('images', 'brick', `${name}.png`);
      const own = await model.infer(asked(picture, { ...wanted, wantsAnomalyMap: true }));
      alone.push(own.findings.anomaly!);
      maps.push(own.anomalyMap!);
    }
    // Without overlap each tile is exactly one of the pictures.
    const tiled = await inferTiled(
      model,
      asked(wall, { ...wanted, wantsAnomalyMap: true }),
      tilingSchema.parse({ overlapPx: 0 }),
    );
    const { score, areas, areaFraction } = tiled.findings.anomaly!;
    expect(score).toBeCloseTo(Math.max(...alone.map((one) => one.score)), 4);
    const sum = alone.reduce((total, one) => total + one.areaFraction!, 0);
    expect(areaFraction).toBeCloseTo(sum / 6, 4);
    const expected = alone.flatMap((one, i) =>
      one.areas!.map(({ polygon }) => {
        const { x, y, width, height } = boundsOf(polygon);
        return { x: x + (i % 3) * 256, y: y + Math.floor(i / 3) * 256, width, height };
      }),
    );
    expect(areas!.length).toBe(expected.length);
    for (const { polygon } of areas!) {
      expect(expected.some((box) => intersectionOverUnion(box, boundsOf(polygon)) > 0.99)).toBe(
        true,
      );
    }
    const map = tiled.anomalyMap!;
    expect(map.region).toEqual({ x: 0, y: 0, width: 768, height: 512 });
    names.forEach((_, tile) => {
      // Cells whose middle lies in the tile; they are finer than those of the tile's own map.
      const middles = (count: number, of: number, at: number) =>
        Array.from({ length: count }, (__, i) => i).filter(
          (i) => Math.floor(((i + 0.5) * of) / count / 256) === at,
        );
      const columns = middles(map.width, 768, tile % 3);
      const rows = middles(map.height, 512, Math.floor(tile / 3));
      const values = rows.flatMap((y) => columns.map((x) => map.data[y * map.width + x]!));
      expect(Math.max(...values)).toBe(Math.max(...maps[tile]!.data));
    });
  });

  it('joins a defect that lies over borders of tiles to one area', async () => {
    // Good bricks with a dark stroke through the middle of the wall, over every border.
    const brick = join(samples, 'images', 'brick', 'good-00.png');
    const wall = await sharp({
      create: { width: 768, height: 256, channels: 3, background: '#000' },
    })
      .composite([0, 1, 2].map((i) => ({ input: brick, left: i * 256, top: 0 })))
      .png()
      .toBuffer();
    const stroke = Buffer.from(
      '<svg width="768" height="256"><rect x="120" y="110" width="528" height="30" fill="#050505"/></svg>',
    );
    const picture = new Uint8Array(
      await sharp(wall)
        .composite([{ input: stroke }])
        .png()
        .toBuffer(),
    );
    const { findings } = await inferTiled(
      model,
      asked(picture, wanted),
      tilingSchema.parse({ overlapPx: 64 }),
    );
    const { areas, isAnomalous } = findings.anomaly!;
    expect(isAnomalous).toBe(true);
    const across = areas!.filter(({ polygon }) => boundsOf(polygon).width > 450);
    expect(across).toHaveLength(1);
    const other = areas!
      .filter((area) => area !== across[0])
      .map(({ polygon }) => boundsOf(polygon));
    const band = boundsOf(across[0]!.polygon);
    for (const box of other) expect(intersectionOverUnion(box, band)).toBeLessThan(0.05);
  });
});

describe('a model that says something about whole pictures', () => {
  it('is refused with what to do', async () => {
    const model = await openModel('movenet-pose');
    try {
      const picture = await bytesOf('images', 'pose', 'astronaut.jpg');
      await expect(inferTiled(model, asked(picture), tilingSchema.parse({}))).rejects.toMatchObject(
        {
          code: 'REQUEST_INVALID',
          message: expect.stringContaining('remove its `tiling`') as string,
        },
      );
    } finally {
      await model.close(1000);
    }
  });

  it('is refused up front where it gives heat maps of one person', async () => {
    const packages = await ModelPackages.create();
    const maps = outputsModel(
      [{ name: 'maps', values: new Array<number>(17 * 64).fill(0.5), shape: [1, 17, 8, 8] }],
      { side: 32 },
    );
    const folder = await packages.add(maps, {
      task: 'keypoint-detection',
      output: { decoder: 'heatmaps' },
    });
    const model = await openModel('maps', folder);
    try {
      const picture = await bytesOf('images', 'pose', 'astronaut.jpg');
      // Whatever the size of the picture, so that a camera's first one says it.
      const tiling = tilingSchema.parse({ tileWidth: 16_384, tileHeight: 16_384 });
      await expect(inferTiled(model, asked(picture), tiling)).rejects.toMatchObject({
        code: 'REQUEST_INVALID',
        message: expect.stringContaining("(decoder 'heatmaps')") as string,
      });
    } finally {
      await model.close(1000);
      await packages.close();
    }
  });
});
