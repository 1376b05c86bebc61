import { referenceText } from '../inference/model-store/installed-model.ts';
import type { DamagedModel, InstalledModel } from '../inference/model-store/installed-model.ts';

/** An installed version for people: what runs here and why, and what every variant took. */
export function installedLines(model: InstalledModel): string {
  const bytes = model.files.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const date = new Date(model.installedAtMs).toISOString().slice(0, 16).replace('T', ' ');
  const variants = model.measurements.map(
    ({ variant, medianRunMs, problem }) =>
      `    ${variant}: ${medianRunMs === undefined ? (problem ?? 'not tried') : `${medianRunMs.toPrecision(3)} ms`}\n`,
  );
  return (
    `${model.name}@${model.version}  ${(bytes / 1e6).toFixed(1)} MB in ${model.files.length} files, installed ${date} UTC\n` +
    `  runs ${model.variant}: ${model.variantReason}\n${variants.join('')}`
  );
}

/** A version that cannot be used, and what to do. */
export function damagedLines(model: DamagedModel): string {
  const { message, remedy } = model.problem;
  return (
    `${referenceText(model)}  damaged: ${message}\n  ${remedy}\n` +
    `  Or take it away: vedette model remove ${referenceText(model)}\n`
  );
}
