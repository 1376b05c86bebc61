import type { z } from 'zod';
import { VedetteError } from '../component/contract/errors.ts';

/**
 * A query, body or part checked against its schema.
 *
 * @throws VedetteError REQUEST_INVALID with every problem in `details.problems`
 */
export function parseRequestValue<T extends z.ZodType>(
  schema: T,
  value: unknown,
  what: string,
): z.output<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => ({
    path: issue.path.join('.'),
    message: issue.message,
  }));
  const sentences = problems.map(({ path, message }) => (path ? `${path}: ${message}` : message));
  throw new VedetteError('REQUEST_INVALID', `The ${what} cannot be used. ${sentences.join('; ')}`, {
    details: { problems },
  });
}
