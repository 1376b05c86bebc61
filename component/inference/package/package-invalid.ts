import { VedetteError } from '../../contract/errors.ts';

/** MODEL_PACKAGE_INVALID with every problem, in the message and in `details.problems`. */
export function packageInvalid(
  folder: string,
  problems: readonly string[],
  cause?: unknown,
): VedetteError {
  const list =
    problems.length === 1 ? problems[0] : problems.map((text) => `\n  - ${text}`).join('');
  const count = problems.length === 1 ? '' : `${problems.length} problems`;
  return new VedetteError('MODEL_PACKAGE_INVALID', `model package ${folder}: ${count}${list}`, {
    cause,
    details: { folder, problems },
  });
}
