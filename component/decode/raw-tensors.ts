import type { ModelOutput } from '../contract/model-manifest.ts';
import type { RawTensor } from '../contract/result.ts';
import type { TensorDeclaration, TensorValue } from '../contract/tensor.ts';
import type { Decoded, Decoder } from './decoder.ts';
import { numericValues, requireFinite, requireOutput } from './output-values.ts';
import { outputMismatch } from './pick-output.ts';

type Settings = Extract<ModelOutput, { decoder: 'tensors' }>;

/**
 * Models of no known family: results tell name, type and shape of each output, and its values where
 * they are not more than `maxValues`. The Open Inference Protocol gives all of them.
 */
export class RawTensorsDecoder implements Decoder {
  readonly #settings: Settings;
  readonly #names: readonly string[];

  constructor(settings: Settings, declarations: readonly TensorDeclaration[]) {
    this.#settings = settings;
    this.#names = settings.outputs ?? declarations.map(({ name }) => name);
    const unknown = this.#names.find((name) => !declarations.some((one) => one.name === name));
    if (unknown !== undefined) {
      throw outputMismatch('tensors', `there is no output '${unknown}'`, declarations);
    }
  }

  outputNames(): readonly string[] {
    return this.#names;
  }

  decode(outputs: ReadonlyMap<string, TensorValue>): Decoded {
    const tensors = this.#names.map((name): RawTensor => {
      const tensor = requireOutput(outputs, name);
      const { dtype, data } = tensor;
      const shape = [...tensor.shape];
      const isSmall = data.length <= this.#settings.maxValues;
      if (Array.isArray(data)) return { name, dtype, shape, ...(isSmall ? { values: data } : {}) };
      if (dtype.startsWith('float')) requireFinite(tensor, numericValues(tensor));
      return { name, dtype, shape, ...(isSmall ? { values: valuesOf(tensor) } : {}) };
    });
    return { findings: { tensors } };
  }
}

/** As JSON has them: integers beyond 2^53 would lose digits, and become texts. */
function valuesOf(tensor: TensorValue): (number | string | boolean)[] {
  const { data, dtype } = tensor;
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
    return Array.from(data, (value) => {
      const number = Number(value);
      return Number.isSafeInteger(number) ? number : String(value);
    });
  }
  const values = Array.from(numericValues(tensor));
  return dtype === 'bool' ? values.map((value) => value !== 0) : values;
}
