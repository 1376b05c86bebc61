import { VedetteError } from '../../contract/errors.ts';

/**
 * Labels may give the classes names of their own, but none that the ONNX file gives to another class:
 * that would be classes taken for each other. Capitals do not count.
 * @param labels by class index, as many as `names`
 * @param names the ONNX file's own
 * @throws VedetteError MODEL_MISMATCH with every such class
 */
export function checkLabels(labels: readonly string[], names: readonly string[]): void {
  const plain = (name: string) => name.trim().toLowerCase();
  const others = new Set(names.map(plain));
  const swapped = labels.flatMap((label, index) => {
    const name = names[index] ?? '';
    const isSwapped = plain(label) !== plain(name) && others.has(plain(label));
    return isSwapped ? [{ index, label, name }] : [];
  });
  if (swapped.length === 0) return;
  const told = swapped
    .slice(0, 5)
    .map(({ index, label, name }) => `class ${index} is '${label}', there '${name}'`);
  const more = swapped.length > told.length ? ` and ${swapped.length - told.length} more` : '';
  throw new VedetteError(
    'MODEL_MISMATCH',
    `labels have the names of the ONNX file's metadata in another order: ${told.join('; ')}${more}`,
    { details: { swapped } },
  );
}
