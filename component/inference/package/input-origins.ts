import { isUltralytics, readModelMetadata } from './model-metadata.ts';
import type { ModelPackage } from './read-package.ts';

/**
 * Who said how a picture becomes the input: the package's author, the ONNX file (its shape, its type,
 * an entry of its metadata, or that it comes from Ultralytics' exporter), or nobody: then it is
 * assumed, and right only by luck.
 */
export type InputOrigin =
  | 'model.json'
  | 'manifest.json'
  | "the family's public models"
  | 'ONNX file'
  | "metadata 'imgsz'"
  | 'Ultralytics export'
  /** The author wrote `scale`, `mean` or `std`, and left this one of them at what changes nothing. */
  | 'default'
  | 'assumed';

/** Fields of `input` of which a person wants to know. */
export const INPUT_FIELDS = [
  'size',
  'layout',
  'dtype',
  'colourOrder',
  'resize',
  'interpolation',
  'padValue',
  'scale',
  'mean',
  'std',
  'quantisation',
] as const;
export type InputField = (typeof INPUT_FIELDS)[number];
export type InputOrigins = Readonly<Partial<Record<InputField, InputOrigin>>>;

/**
 * Where each value of the input's `spec` comes from; fields without a meaning for it are absent, such
 * as `padValue` of an input that is not letterboxed.
 * @param author what `authored` is: a `model.json`, DDA's `manifest.json`, or a suggestion
 */
export function inputOrigins(
  { authored, spec, structure, inputName }: ModelPackage,
  author: Extract<InputOrigin, 'model.json' | 'manifest.json' | "the family's public models">,
): InputOrigins {
  const metadata = readModelMetadata(structure.metadata);
  const declared = structure.inputs.find(({ name }) => name === inputName);
  const shape = declared?.shape ?? [];
  const sides = spec.layout === 'nchw' ? [shape[2], shape[3]] : [shape[1], shape[2]];
  const isFixed = sides.every((side) => typeof side === 'number');
  const isAuthored = (field: string) => field in authored;
  const or = (field: string, other: InputOrigin): InputOrigin =>
    isAuthored(field) ? author : other;
  const fitting: InputOrigin = isUltralytics(metadata) ? 'Ultralytics export' : 'assumed';
  const takesPixels = spec.dtype === 'uint8' && spec.quantisation === undefined;
  const isNormalised = ['scale', 'mean', 'std'].some(isAuthored);
  const ofValues = (field: string): InputOrigin =>
    takesPixels
      ? 'ONNX file'
      : or(
          field,
          isNormalised ? 'default' : isUltralytics(metadata) ? 'Ultralytics export' : 'assumed',
        );
  return {
    size: isFixed
      ? 'ONNX file'
      : isAuthored('width') || isAuthored('height')
        ? author
        : "metadata 'imgsz'",
    layout: or('layout', 'ONNX file'),
    dtype: 'ONNX file',
    colourOrder: or('colourOrder', isUltralytics(metadata) ? 'Ultralytics export' : 'assumed'),
    resize: or('resize', fitting),
    interpolation: or('interpolation', fitting),
    ...(spec.resize === 'letterbox' ? { padValue: or('padValue', fitting) } : {}),
    scale: ofValues('scale'),
    mean: ofValues('mean'),
    std: ofValues('std'),
    ...(spec.quantisation ? { quantisation: author } : {}),
  };
}
