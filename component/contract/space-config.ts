import { z } from 'zod';
import { boolean, described, integer, number } from './config-values.ts';
import { nameSchema } from './model-manifest.ts';

const coordinate = number(-1_000_000, 1_000_000);
const pointSchema = z.strictObject({ x: coordinate, y: coordinate });

export const polygonSchema = z.array(pointSchema).min(3).max(1000);

export const anchorSchema = z.enum(['bottom-centre', 'centre']);

const hysteresisPx = described(
  number(0, 100_000).default(8),
  'How far an object must be beyond the line or outline before the change counts, in source pixels: what jitters around it counts once',
);

export const zoneSchema = z.strictObject({
  camera: described(nameSchema, 'The camera in whose picture it lies'),
  polygon: described(polygonSchema, 'Outline in source pixels'),
  anchor: described(
    anchorSchema.default('bottom-centre'),
    'The point of an object’s box that must lie in the zone: where feet or wheels are, or the middle',
  ),
  hysteresisPx,
});

export const lineSchema = z.strictObject({
  camera: described(nameSchema, 'The camera in whose picture it lies'),
  points: described(
    z.array(pointSchema).min(2).max(100),
    'Two points or more in source pixels. Who looks from the first towards the last sees `forward` crossings go from the left to the right',
  ),
  anchor: described(
    anchorSchema.default('bottom-centre'),
    'The point of an object’s box that crosses the line',
  ),
  hysteresisPx,
});

export const trackingSchema = z.strictObject({
  isEnabled: described(
    boolean().optional(),
    'Whether objects are followed and get a `trackId`; when absent, if the camera has a line or a rule that needs it',
  ),
  minScore: described(
    number(0.01, 1).default(0.1),
    'Detections below the camera’s threshold, but with at least this score, continue a track that is there already and begin none',
  ),
  minOverlap: described(
    number(0.01, 0.99).default(0.1),
    'Least overlap (IoU times score) of a detection with where its object is expected',
  ),
  maxLostMs: described(
    integer(0, 600_000).default(2000),
    'An object that is hidden for longer ends, and gets a new number when it is back, in milliseconds',
  ),
  confirmFrames: described(
    integer(1, 100).default(2),
    'Judged frames in a row that must show an object before it gets its number',
  ),
});

export type ZoneConfig = z.infer<typeof zoneSchema>;
export type LineConfig = z.infer<typeof lineSchema>;
export type TrackingConfig = z.infer<typeof trackingSchema>;
