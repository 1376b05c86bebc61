import { attributesText } from '../contract/attributes-text.ts';
import type { Point, Size } from '../contract/frame.ts';
import type { AnomalyMap } from '../contract/ports.ts';
import type { Findings, InferenceResult, Outcome, Pose, Verdict } from '../contract/result.ts';
import { drawText, LABEL_COLOURS, labelColour, points, round, textWidth } from './draw-parts.ts';
import { drawLine, drawTrail, drawZone, type DrawnLine, type DrawnZone } from './draw-space.ts';
import { drawTextLine } from './draw-text-line.ts';
import type { Trail } from './space/scene.ts';
import { tensorText } from '../contract/tensor-text.ts';

/** What is drawn over a live picture. */
export interface Overlay {
  readonly result: Findings & Partial<Pick<InferenceResult, 'tracking' | 'verdict'>>;
  /** Zones of the camera and of its rules. */
  readonly zones: readonly DrawnZone[];
  /** Lines of the camera by name. */
  readonly lines?: Readonly<Record<string, DrawnLine>>;
  readonly trails?: readonly Trail[];
  readonly anomalyMap?: AnomalyMap;
}

const OUTCOME_COLOURS: Readonly<Record<Outcome, string>> = {
  pass: '#1a7f37',
  fail: '#d1242f',
  review: '#bf8700',
  error: '#8250df',
};

/** An SVG document of `canvas` size that draws the overlay of a picture of `source` size. */
export function drawOverlay(overlay: Overlay, source: Size, canvas: Size): string {
  const scale = canvas.width / source.width;
  const fontPx = Math.max(11, Math.round(canvas.width / 68));
  const { tracking } = overlay.result;
  const parts = [
    ...overlay.zones.map((zone) => drawZone(zone, tracking, scale, fontPx, canvas)),
    ...Object.entries(overlay.lines ?? {}).map(([name, line]) =>
      drawLine(name, line, tracking, scale, fontPx, canvas),
    ),
    ...(overlay.trails ?? []).map((trail) => drawTrail(trail, scale)),
    ...(overlay.result.anomaly?.areas ?? []).map((area) => drawArea(area.polygon, scale)),
    ...(overlay.result.segments ?? []).map((one) => drawShapes(one.polygons, one, scale)),
    ...(overlay.result.detections ?? []).map((one) => drawBox(one, scale)),
    ...(overlay.result.detections ?? []).map((one) => drawLabel(one, scale, fontPx, canvas)),
    ...(overlay.result.poses ?? []).map((one, index) => drawPose(one, index, scale, fontPx)),
    ...(overlay.result.classes ?? []).map((one, row) =>
      drawRow(`${one.label} ${one.score.toFixed(2)}`, one, row, fontPx),
    ),
    ...(overlay.result.segments ?? []).map((one, row) =>
      drawRow(`${one.label} ${(one.areaFraction * 100).toFixed(1)} %`, one, row, fontPx),
    ),
    ...(overlay.result.tensors ?? []).map(({ name, shape, values }, row) =>
      drawRow(`${name} ${tensorText({ shape, values })}`, { labelIndex: row }, row, fontPx),
    ),
    ...(overlay.result.text ?? []).map((one) => drawTextLine(one, scale, fontPx, canvas)),
    ...(overlay.result.verdict ? [drawVerdict(overlay.result.verdict, fontPx, canvas)] : []),
  ];
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${canvas.width}" height="${canvas.height}" ` +
    `font-family="DejaVu Sans Mono" font-size="${fontPx}">${parts.join('')}</svg>`
  );
}

/**
 * An anomaly map as RGBA pixels [height, width, 4], uint8: transparent where normal, then yellow to
 * red; the more anomalous, the less transparent.
 */
export function colourAnomalyMap(map: AnomalyMap): Uint8Array {
  const pixels = new Uint8Array(map.width * map.height * 4);
  map.data.forEach((value, index) => {
    const excess = Math.max(0, value - 64) / 191;
    pixels[index * 4] = 255;
    pixels[index * 4 + 1] = Math.round(220 * (1 - excess));
    pixels[index * 4 + 3] = Math.round(190 * excess);
  });
  return pixels;
}

const drawArea = (polygon: readonly Point[], scale: number): string =>
  `<polygon points="${points(polygon, scale)}" fill="none" stroke="#d1242f" stroke-width="2"/>`;

type Detected = NonNullable<InferenceResult['detections']>[number];

/** Outlines that are filled lightly, so that the picture stays seen. */
const drawShapes = (
  polygons: readonly (readonly Point[])[],
  of: Pick<Detected, 'labelIndex'>,
  scale: number,
): string =>
  polygons
    .map(
      (polygon) =>
        `<polygon points="${points(polygon, scale)}" fill="${labelColour(of)}" ` +
        `fill-opacity="0.3" stroke="${labelColour(of)}" stroke-opacity="0.8" stroke-width="1.5"/>`,
    )
    .join('');

const drawBox = (detection: Detected, scale: number): string =>
  drawShapes(detection.mask?.polygons ?? [], detection, scale) + drawFrame(detection, scale);

/** The box, or the oriented one in place of its hull. */
const drawFrame = (detection: Detected, scale: number): string =>
  detection.orientedBox
    ? `<polygon points="${points(detection.orientedBox.polygon, scale)}" fill="none" ` +
      `stroke="${labelColour(detection)}" stroke-width="2"/>`
    : `<rect x="${round(detection.box.x * scale)}" y="${round(detection.box.y * scale)}" ` +
      `width="${round(detection.box.width * scale)}" height="${round(detection.box.height * scale)}" ` +
      `fill="none" stroke="${labelColour(detection)}" stroke-width="2"/>`;

/** Above the box, or below it where there is no room; never outside the picture. */
function drawLabel(detection: Detected, scale: number, fontPx: number, canvas: Size): string {
  const { x, y, height } = detection.box;
  const number = detection.trackId === undefined ? '' : ` #${detection.trackId}`;
  const found = attributesText(detection.attributes);
  const text = `${detection.label}${number} ${detection.score.toFixed(2)}${found && `: ${found}`}`;
  const width = textWidth(text, fontPx);
  const left = Math.min(Math.max(0, x * scale), Math.max(0, canvas.width - width));
  const top = y * scale > fontPx * 1.4 ? y * scale - fontPx * 1.4 : (y + height) * scale;
  const background = labelColour(detection);
  return drawText(text, { left, top, width, fontPx, background, colour: '#111111' });
}

/** Limbs of a person by COCO's names of keypoints. */
const LIMBS = [
  ['left_shoulder', 'right_shoulder'],
  ['left_shoulder', 'left_elbow'],
  ['left_elbow', 'left_wrist'],
  ['right_shoulder', 'right_elbow'],
  ['right_elbow', 'right_wrist'],
  ['left_shoulder', 'left_hip'],
  ['right_shoulder', 'right_hip'],
  ['left_hip', 'right_hip'],
  ['left_hip', 'left_knee'],
  ['left_knee', 'left_ankle'],
  ['right_hip', 'right_knee'],
  ['right_knee', 'right_ankle'],
  ['nose', 'left_eye'],
  ['nose', 'right_eye'],
  ['left_eye', 'left_ear'],
  ['right_eye', 'right_ear'],
] as const;

/** Keypoints that a model is less sure of are guesses outside the picture or behind something. */
const SURE_KEYPOINT = 0.3;

function drawPose(pose: Pose, index: number, scale: number, fontPx: number): string {
  const colour = LABEL_COLOURS[index % LABEL_COLOURS.length] ?? '#ffffff';
  const sure = new Map(
    pose.keypoints.filter(({ score }) => score >= SURE_KEYPOINT).map((one) => [one.name, one]),
  );
  const limbs = LIMBS.map(([from, to]) => {
    const a = sure.get(from);
    const b = sure.get(to);
    if (!a || !b) return '';
    return (
      `<line x1="${round(a.x * scale)}" y1="${round(a.y * scale)}" x2="${round(b.x * scale)}" ` +
      `y2="${round(b.y * scale)}" stroke="${colour}" stroke-width="2"/>`
    );
  });
  const dots = [...sure.values()].map(
    ({ x, y }) =>
      `<circle cx="${round(x * scale)}" cy="${round(y * scale)}" r="${round(fontPx / 4)}" ` +
      `fill="${colour}" stroke="#111111"/>`,
  );
  return [...limbs, ...dots].join('');
}

/** A list below the verdict, in the order of the result. */
function drawRow(
  text: string,
  of: Pick<Detected, 'labelIndex'>,
  row: number,
  fontPx: number,
): string {
  return drawText(text, {
    left: 0,
    top: fontPx * 1.4 * (row + 1.3),
    width: textWidth(text, fontPx),
    fontPx,
    background: labelColour(of),
    colour: '#111111',
  });
}

function drawVerdict(verdict: Verdict, fontPx: number, canvas: Size): string {
  const text = `${verdict.outcome.toUpperCase()}  ${verdict.reason}`;
  const longest = Math.max(4, Math.floor(canvas.width / (fontPx * 0.61)) - 2);
  const shown = text.length > longest ? `${text.slice(0, longest - 1)}…` : text;
  const colour = OUTCOME_COLOURS[verdict.outcome];
  return (
    `<rect x="1.5" y="1.5" width="${canvas.width - 3}" height="${canvas.height - 3}" fill="none" ` +
    `stroke="${colour}" stroke-width="3"/>` +
    drawText(shown, {
      left: 0,
      top: 0,
      width: textWidth(shown, fontPx),
      fontPx,
      background: colour,
      colour: '#ffffff',
    })
  );
}
