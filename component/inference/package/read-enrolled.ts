import { readFile, stat } from 'node:fs/promises';
import { z } from 'zod';
import { unitVector } from '../../decode/enrolled-vectors.ts';
import type { EnrolledVectors } from '../../decode/enrolled-vectors.ts';
import { describeIssues } from './read-json.ts';

const MAX_BYTES = 64 * 1024 * 1024;
const MAX_DIMENSIONS = 4096;
/** Of all vectors together: more would take longer to compare with than a model runs. */
const MAX_VALUES = 4_000_000;

const schema = z.strictObject({
  vectors: z
    .array(
      z.strictObject({
        label: z.string().min(1).max(200),
        values: z.array(z.number()).min(1).max(MAX_DIMENSIONS),
      }),
    )
    .min(1),
});

/**
 * A file of enrolled vectors: `{ "vectors": [{ "label": "cap-red", "values": [0.12, …] }, …] }`, all
 * of as many values; they need not have the length 1. Problems are pushed.
 */
export async function readEnrolled(
  path: string,
  name: string,
  problems: string[],
): Promise<EnrolledVectors | undefined> {
  const { size } = await stat(path);
  if (size > MAX_BYTES) {
    problems.push(`${name} has ${size} bytes, at most ${MAX_BYTES} are read`);
    return undefined;
  }
  const text = await readFile(path, 'utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    problems.push(`${name} is no JSON (${error instanceof Error ? error.message : String(error)})`);
    return undefined;
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    problems.push(...describeIssues(parsed.error, name));
    return undefined;
  }
  return enrol(parsed.data.vectors, name, problems);
}

function enrol(
  vectors: z.infer<typeof schema>['vectors'],
  name: string,
  problems: string[],
): EnrolledVectors | undefined {
  const dimensions = vectors[0]!.values.length;
  if (vectors.length * dimensions > MAX_VALUES) {
    problems.push(
      `${name} has ${vectors.length} vectors of ${dimensions} values, at most ${MAX_VALUES} values are read`,
    );
    return undefined;
  }
  const labels: string[] = [];
  const labelIndexes: number[] = [];
  const values = new Float32Array(vectors.length * dimensions);
  for (const [index, vector] of vectors.entries()) {
    const unit = unitVector(vector.values);
    if (vector.values.length !== dimensions || !unit) {
      const what = unit
        ? `${vector.values.length} values, the first has ${dimensions}`
        : 'no direction';
      problems.push(`${name} vectors[${index}] ('${vector.label}') has ${what}`);
      return undefined;
    }
    values.set(unit, index * dimensions);
    const known = labels.indexOf(vector.label);
    labelIndexes.push(known >= 0 ? known : labels.push(vector.label) - 1);
  }
  return { labels, labelIndexes, values, dimensions };
}
