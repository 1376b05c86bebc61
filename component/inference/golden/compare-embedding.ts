import { embeddingSchema } from '../../contract/result.ts';
import type { Comparison } from './comparison.ts';

const LEAST_COSINE = 0.99;

/** The vectors, both of length 1, must have a cosine of at least 0.99. */
export const compareEmbedding: Comparison = ({ embedding: found }, { embedding }) => {
  const parsed = embeddingSchema.safeParse(embedding);
  if (!found || !parsed.success) return undefined;
  if (found.length !== parsed.data.length) {
    return [`the embedding has ${found.length} values, expected ${parsed.data.length}`];
  }
  const cosine = found.reduce((sum, value, index) => sum + value * parsed.data[index]!, 0);
  if (cosine >= LEAST_COSINE) return [];
  return [`the embedding has a cosine of ${cosine.toFixed(4)} with the expected one`];
};
