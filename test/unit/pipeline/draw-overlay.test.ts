import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { colourAnomalyMap, drawOverlay } from '../../../component/pipeline/draw-overlay.ts';
import type { Overlay } from '../../../component/pipeline/draw-overlay.ts';

const canvas = { width: 200, height: 100 };
const source = { width: 400, height: 200 };
const detection = (label: string, x = 100) => ({
  label,
  labelIndex: 0,
  score: 0.5,
  box: { x, y: 80, width: 40, height: 60 },
});

async function pixels(svg: string) {
  const { data, info } = await sharp(Buffer.from(svg))
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return {
    info,
    at: (x: number, y: number) => [...data.subarray((y * info.width + x) * 4).subarray(0, 4)],
  };
}

describe('drawOverlay', () => {
  it('draws a box at its place in the scaled picture', async () => {
    const svg = drawOverlay(
      {
        result: { detections: [detection('a')], verdict: { outcome: 'pass', reason: '' } },
        zones: [],
        lines: {},
        trails: [],
      },
      source,
      canvas,
    );
    const { info, at } = await pixels(svg);
    expect(info).toMatchObject(canvas);
    expect(at(50, 60)).toEqual([0x56, 0xb4, 0xe9, 255]);
    expect(at(60, 60)[3]).toBe(0);
  });

  it('draws the keypoints that the model is sure of, and the limbs between them', async () => {
    const keypoints = [
      { name: 'left_shoulder', x: 100, y: 100, score: 0.9 },
      { name: 'left_elbow', x: 200, y: 100, score: 0.8 },
      { name: 'left_wrist', x: 300, y: 100, score: 0.1 },
    ];
    const verdict = { outcome: 'pass', reason: '' } as const;
    const svg = drawOverlay(
      { result: { poses: [{ score: 0.6, keypoints }], verdict }, zones: [], lines: {}, trails: [] },
      source,
      canvas,
    );
    const { at } = await pixels(svg);
    expect(at(50, 50)).toEqual([0x56, 0xb4, 0xe9, 255]);
    expect(at(75, 50)).toEqual([0x56, 0xb4, 0xe9, 255]);
    expect(at(125, 50)[3]).toBe(0);
  });

  it('draws an oriented box in place of its hull', async () => {
    const corners = [200, 50, 300, 100, 200, 150, 100, 100];
    const polygon = [0, 2, 4, 6].map((at) => ({ x: corners[at]!, y: corners[at + 1]! }));
    const orientedBox = { x: 200, y: 100, width: 112, height: 112, angleDegrees: 27, polygon };
    const one = { ...detection('a'), box: { x: 100, y: 50, width: 200, height: 100 }, orientedBox };
    const svg = drawOverlay(
      { result: { detections: [one], verdict: { outcome: 'pass', reason: '' } }, zones: [] },
      source,
      canvas,
    );
    const { at } = await pixels(svg);
    expect(at(125, 37)).toEqual([0x56, 0xb4, 0xe9, 255]);
    expect(at(150, 65)[3]).toBe(0);
  });

  it('fills masks and segments lightly, inside of their outlines', async () => {
    const square = (x: number) =>
      [
        [0, 0],
        [80, 0],
        [80, 80],
        [0, 80],
      ].map(([dx, dy]) => ({ x: x + dx!, y: 60 + dy! }));
    const verdict = { outcome: 'pass', reason: '' } as const;
    const masked = { ...detection('a', 40), mask: { polygons: [square(40)] } };
    const segment = { label: 'belt', labelIndex: 1, areaFraction: 0.08, polygons: [square(240)] };
    const expectFilled = async (result: Overlay['result'], x: number, colour: number[]) => {
      const { at } = await pixels(
        drawOverlay({ result, zones: [], lines: {}, trails: [] }, source, canvas),
      );
      const inside = at(x, 68);
      expect(inside[3]).toBeGreaterThan(60);
      expect(inside[3]).toBeLessThan(100);
      colour.forEach((level, channel) => {
        expect(Math.abs(inside[channel]! - level)).toBeLessThan(6);
      });
      expect(at(x + 50, 68)[3]).toBe(0);
    };
    await expectFilled({ detections: [masked], verdict }, 45, [0x56, 0xb4, 0xe9]);
    await expectFilled({ segments: [segment], verdict }, 140, [0xe6, 0x9f, 0x00]);
    const svg = drawOverlay(
      { result: { segments: [segment], verdict }, zones: [], lines: {}, trails: [] },
      source,
      canvas,
    );
    expect(svg).toContain('belt 8.0 %');
  });

  it('says what was read beside a line, inside the picture, and what a chain found of a box', () => {
    const line = (x: number, text?: string) => ({
      score: 0.75,
      ...(text === undefined ? {} : { text }),
      polygon: [
        { x, y: 40 },
        { x: x + 30, y: 40 },
        { x: x + 30, y: 50 },
        { x, y: 50 },
      ],
    });
    const attributes = {
      cap: { classes: [{ label: 'red', labelIndex: 0, score: 0.9 }] },
      read: { text: [{ text: 'LOT 42', score: 0.9 }, { score: 0.4 }] },
    };
    const svg = drawOverlay(
      {
        result: {
          text: [line(2, 'LOT <42>'), line(source.width - 31, 'END'), line(5)],
          detections: [{ ...detection('bottle', 20), attributes }],
        },
        zones: [],
        lines: {},
        trails: [],
      },
      source,
      canvas,
    );
    expect(svg).toContain('LOT &lt;42&gt;');
    expect(svg).toContain('>0.75<');
    expect(svg).toMatch(/bottle [\d.]+: red, LOT 42</);
    const scale = canvas.width / source.width;
    const left = (text: string) =>
      Number(new RegExp(`x="([\\d.]+)" y="[\\d.]+" fill="[^"]+">${text}`).exec(svg)![1]);
    expect(left('LOT &lt;42')).toBeGreaterThan(32 * scale);
    expect(left('END')).toBeLessThan(canvas.width);
  });

  it('lists classes below the verdict, best first', () => {
    const classes = [
      { label: 'scratch', labelIndex: 1, score: 0.9 },
      { label: 'dent', labelIndex: 0, score: 0.1 },
    ];
    const verdict = { outcome: 'pass', reason: 'fine' } as const;
    const svg = drawOverlay(
      { result: { classes, verdict }, zones: [], lines: {}, trails: [] },
      source,
      canvas,
    );
    const rows = ['scratch 0.90', 'dent 0.10', 'PASS'].map((text) => {
      const [, y] = new RegExp(`y="([\\d.]+)" fill="[^"]+">${text}`).exec(svg)!;
      return Number(y);
    });
    expect(rows[2]).toBeLessThan(rows[0]!);
    expect(rows[0]).toBeLessThan(rows[1]!);
  });

  it('frames the picture in the colour of the verdict', async () => {
    const svg = drawOverlay(
      { result: { verdict: { outcome: 'fail', reason: 'x' } }, zones: [], lines: {}, trails: [] },
      source,
      canvas,
    );
    const { at } = await pixels(svg);
    expect(at(100, 98)).toEqual([0xd1, 0x24, 0x2f, 255]);
  });

  it('survives labels that are no XML', async () => {
    const label = '<script>&"\u0000\u001b\ud800 Prüfung 検査';
    const svg = drawOverlay(
      {
        result: {
          detections: [detection(label, -50)],
          verdict: { outcome: 'review', reason: label },
        },
        zones: [],
        lines: {},
        trails: [],
      },
      source,
      canvas,
    );
    await expect(pixels(svg)).resolves.toBeDefined();
    expect(svg).not.toContain('<script>');
  });
});

describe('colourAnomalyMap', () => {
  it('is transparent where normal and red where anomalous', () => {
    const colours = colourAnomalyMap({
      width: 2,
      height: 1,
      data: new Uint8Array([0, 255]),
      region: { x: 0, y: 0, width: 2, height: 1 },
    });
    expect([...colours]).toEqual([255, 220, 0, 0, 255, 0, 0, 190]);
  });
});
