/** Labelled vectors that embeddings are compared with, each of length 1. */
export interface EnrolledVectors {
  /** Distinct, in the order of their first vector. */
  readonly labels: readonly string[];
  /** Index of the label of each vector. */
  readonly labelIndexes: readonly number[];
  /** [vectors, dimensions], row-major. */
  readonly values: Float32Array;
  readonly dimensions: number;
}

/** Divides by the length. @returns `undefined` for a vector without a direction */
export function unitVector(values: ArrayLike<number>): Float64Array | undefined {
  const vector = Float64Array.from(values);
  const length = Math.sqrt(vector.reduce((sum, value) => sum + value ** 2, 0));
  if (!(length > 0) || !Number.isFinite(length)) return undefined;
  return vector.map((value) => value / length);
}

/** The greatest cosine with any vector of each label: −1 to 1. */
export function bestCosines(unit: Float64Array, enrolled: EnrolledVectors): Float64Array {
  const { labels, labelIndexes, values, dimensions } = enrolled;
  const best = new Float64Array(labels.length).fill(-1);
  labelIndexes.forEach((labelIndex, row) => {
    let cosine = 0;
    const start = row * dimensions;
    for (let index = 0; index < dimensions; index += 1) {
      cosine += unit[index]! * values[start + index]!;
    }
    best[labelIndex] = Math.max(best[labelIndex]!, cosine);
  });
  return best;
}
