import type { Size } from '../contract/frame.ts';
import type { TensorSpec } from '../contract/tensor.ts';

/**
 * The input for a part of a picture of this size. With `sizeMultiple` it follows the picture, in
 * multiples of that and at most as large as `spec`: `stretch` scales the picture down until it fits,
 * never up, and rounds both sides (PaddleOCR's DetResizeForTest with limit_type `max`); `line` keeps the
 * height and rounds the width up. Without it the input is always `spec`.
 */
export function inputSpec(
  spec: TensorSpec,
  sizeMultiple: number | undefined,
  shown: Size,
): TensorSpec {
  if (sizeMultiple === undefined) return spec;
  // An empty part is refused by who cuts it out.
  const [width, height] = [Math.max(1, shown.width), Math.max(1, shown.height)];
  const side = (wanted: number, most: number) =>
    Math.min(Math.max(sizeMultiple, wanted * sizeMultiple), most);
  if (spec.resize === 'line') {
    const content = Math.ceil((width * spec.height) / height);
    return { ...spec, width: side(Math.ceil(content / sizeMultiple), spec.width) };
  }
  const ratio = Math.min(1, spec.width / width, spec.height / height);
  return {
    ...spec,
    width: side(Math.round((width * ratio) / sizeMultiple), spec.width),
    height: side(Math.round((height * ratio) / sizeMultiple), spec.height),
  };
}
