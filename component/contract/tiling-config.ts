import { z } from 'zod';
import { boolean, described, integer } from './config-values.ts';

export const tilingSchema = z.strictObject({
  isEnabled: described(boolean().default(true), 'Whether pictures are judged in tiles'),
  tileWidth: described(
    integer(16, 65_535).optional(),
    'Width of a tile in pixels of the picture; that of the model’s input when absent, so that nothing is scaled down',
  ),
  tileHeight: described(
    integer(16, 65_535).optional(),
    'Height of a tile in pixels of the picture; that of the model’s input when absent',
  ),
  overlapPx: described(
    integer(0, 65_534).optional(),
    'Neighbouring tiles share at least so many pixels: more than the size of small objects. A fifth of a tile’s shorter side when absent',
  ),
  withWholePicture: described(
    boolean().default(false),
    'Judge the whole picture as well, for objects that are larger than a tile',
  ),
});

export type TilingConfig = z.infer<typeof tilingSchema>;
