import { mapAreas, maskAreas } from '../../native/index.ts';
import type { AreaList, AreaSearch, MapFault } from '../../native/index.ts';
import type { Size } from '../contract/frame.ts';
import { VedetteError } from '../contract/errors.ts';
import type { TensorValue } from '../contract/tensor.ts';
import { floatValues, numericValues, requireFinite } from './output-values.ts';
import { shapeInvalid } from './pick-output.ts';

/** Greater than 0, as a comparison with the least float that is. */
const LEAST_FLOAT = 2 ** -149;

/** @throws VedetteError OUTPUT_INVALID unless it is [1, 1, H, W], [1, H, W] or [H, W] */
export function gridSize(tensor: TensorValue): Size {
  const { shape } = tensor;
  const width = shape.at(-1);
  const height = shape.at(-2);
  const leading = shape.slice(0, -2);
  if (!width || !height || leading.length > 2 || leading.some((dimension) => dimension !== 1)) {
    throw shapeInvalid(tensor, '[1, 1, H, W], [1, H, W] or [H, W]');
  }
  return { width, height };
}

/**
 * Areas where a map's values are at or above a threshold.
 * @throws VedetteError OUTPUT_INVALID for NaN and infinite values
 */
export function areasFrom(tensor: TensorValue, threshold: number, search: AreaSearch): AreaList {
  const { data, dtype } = tensor;
  if (dtype !== 'float32' && dtype !== 'float16') {
    return maskAreas(
      asBytes(tensor, (value) => value >= threshold),
      search,
    );
  }
  const found = mapAreas(data as Float32Array | Uint16Array, threshold, search);
  if ('kind' in found) throw mapInvalid(tensor, found);
  return found;
}

/**
 * Areas of a mask of bool, integers or floats: cells above 0.
 * @throws VedetteError OUTPUT_INVALID for NaN and infinite values
 */
export function areasOfMask(tensor: TensorValue, search: AreaSearch): AreaList {
  if (tensor.data instanceof Uint8Array) return maskAreas(tensor.data, search);
  if (tensor.dtype === 'float32' || tensor.dtype === 'float16') {
    return areasFrom(tensor, LEAST_FLOAT, search);
  }
  return maskAreas(
    asBytes(tensor, (value) => value > 0),
    search,
  );
}

/** The addon knows that there is such a value; which one, and its index, is looked up here. */
export function mapInvalid(tensor: TensorValue, fault: MapFault): VedetteError {
  const { name, shape } = tensor;
  if (fault.kind === 'no-class') {
    const { element, value } = fault;
    return new VedetteError(
      'OUTPUT_INVALID',
      `output '${name}' [${shape.join(', ')}] holds ${value} at element ${element}, which is no class index`,
      { details: { output: name, element, value } },
    );
  }
  requireFinite(tensor, floatValues(tensor));
  return new VedetteError('INTERNAL', `output '${name}': the addon saw a value that is none`);
}

function asBytes(tensor: TensorValue, isSet: (value: number) => boolean): Uint8Array {
  const values = numericValues(tensor);
  requireFinite(tensor, values);
  return Uint8Array.from(values, (value) => (isSet(value) ? 1 : 0));
}
