import { eachField, invalid, readEntry, short } from './onnx-wire.ts';
import type { OnnxWire, WireField } from './onnx-wire.ts';

/** A file beside the model that holds some of its weights. */
export interface ExternalFile {
  /** As the ONNX file names it, relative to its own folder. */
  readonly name: string;
  /** The file must hold so many bytes: where the last of the weights that lie in it ends. */
  readonly byteLength: number;
}

const MAX_FILES = 4096;

/**
 * TensorProto: name 8, external_data 13 (keys `location`, `offset`, `length`: decimal numbers).
 * raw_data 9 and the typed data are skipped.
 * @param externalFiles by name, the bytes that each must hold; added to
 * @returns the tensor's name
 */
export async function readTensor(
  wire: OnnxWire,
  tensor: WireField,
  externalFiles: Map<string, number>,
): Promise<string> {
  let name = '';
  const external = new Map<string, string>();
  await eachField(wire, tensor.start, tensor.end, 'a tensor', async (field) => {
    if (field.wireType !== 2) return;
    if (field.number === 8) name = await short(wire, field);
    else if (field.number === 13) {
      const { key, value } = await readEntry(wire, field);
      if (external.size < 16) external.set(key, value);
    }
  });
  const location = external.get('location');
  if (location === undefined) return name;
  const end = number(external, 'offset', tensor, name) + number(external, 'length', tensor, name);
  if (!Number.isSafeInteger(end)) {
    throw invalid(tensor.start, `the weights of tensor '${name}' end at byte ${end} of a file`);
  }
  externalFiles.set(location, Math.max(externalFiles.get(location) ?? 0, end));
  if (externalFiles.size > MAX_FILES) {
    throw invalid(tensor.start, 'the weights lie in too many files');
  }
  return name;
}

/** Absent: from the start, or to the end of the file, which is then left to ONNX Runtime. */
function number(
  external: ReadonlyMap<string, string>,
  key: 'offset' | 'length',
  tensor: WireField,
  name: string,
): number {
  const text = external.get(key) ?? '0';
  if (/^\d{1,16}$/.test(text)) return Number(text);
  throw invalid(
    tensor.start,
    `external_data of tensor '${name}' has the ${key} '${text.slice(0, 40)}', expected a number of bytes`,
  );
}
