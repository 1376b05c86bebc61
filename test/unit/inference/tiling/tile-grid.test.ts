import { describe, expect, it } from 'vitest';
import { WHOLE_FRAME } from '../../../../component/contract/frame.ts';
import { tilingSchema } from '../../../../component/contract/tiling-config.ts';
import { tileViews } from '../../../../component/inference/tiling/tile-grid.ts';

const INPUT = { width: 640, height: 640 };
const picture = { width: 6000, height: 4000 };
const settings = (own: Record<string, unknown> = {}) => tilingSchema.parse(own);

describe('views of a picture in tiles', () => {
  it('have the size of the model’s input and share a fifth unless told otherwise', () => {
    const views = tileViews(picture, WHOLE_FRAME, settings(), INPUT);
    expect(views[0]!.region).toEqual({ x: 0, y: 0, ...INPUT });
    expect(views[1]!.region!.x).toBe(512);
    expect(views.at(-1)!.region).toEqual({ x: 5360, y: 3360, ...INPUT });
  });

  it('cover the region of the camera, and nothing else', () => {
    const region = { x: 1000, y: 500, width: 900, height: 600 };
    const views = tileViews(picture, { ...WHOLE_FRAME, rotation: 90, region }, settings(), INPUT);
    expect(views.map((view) => view.region)).toEqual([
      { x: 1000, y: 500, width: 640, height: 600 },
      { x: 1260, y: 500, width: 640, height: 600 },
    ]);
    expect(views.every(({ rotation }) => rotation === 90)).toBe(true);
  });

  it('are one where a tile holds the picture, whatever else is asked for', () => {
    const small = { width: 500, height: 640 };
    const whole = settings({ withWholePicture: true });
    expect(tileViews(small, WHOLE_FRAME, whole, INPUT)).toEqual([WHOLE_FRAME]);
  });

  it('end with the whole picture when it is asked for', () => {
    const views = tileViews(picture, WHOLE_FRAME, settings({ withWholePicture: true }), INPUT);
    expect(views.at(-1)!.region).toEqual({ x: 0, y: 0, ...picture });
  });

  it('are refused when they are too many', () => {
    const tiny = settings({ tileWidth: 64, tileHeight: 64 });
    expect(() => tileViews(picture, WHOLE_FRAME, tiny, INPUT)).toThrow(
      expect.objectContaining({ code: 'FRAME_INVALID' }) as Error,
    );
  });
});
