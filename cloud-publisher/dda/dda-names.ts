import { targetProblems } from './dda-targets.ts';
import type { DdaRelease, DdaRuntime } from './dda-targets.ts';

const MAX_NAME_LENGTH = 128;

/** The name of a model's components when none is given, as DDA's portal makes it. */
export const ddaNameOf = (modelName: string): string =>
  `model-${modelName.toLowerCase().replaceAll(/[^a-zA-Z0-9-]/g, '-')}`;

/** One component for each target: dependencies hold for a whole recipe, not for a platform. */
export const ddaComponentOf = (name: string, target: string): string =>
  `${name}-${target.replaceAll('_', '-')}`;

export interface DdaRequest {
  readonly name: string;
  /** Absent: the next free one. */
  readonly version?: string | undefined;
  readonly targets: readonly string[];
  readonly runtime: DdaRuntime;
  readonly release: DdaRelease;
}

/** Everything that is wrong with a request, before anything is made. */
export function requestProblems({
  name,
  version,
  targets,
  runtime,
  release,
}: DdaRequest): string[] {
  const problems: string[] = [];
  if (!name.startsWith('model-') || name === 'model-') {
    problems.push(`component name '${name}' must start with "model-" and go on`);
  }
  if (!/^[a-zA-Z0-9._-]+$/.test(name)) {
    problems.push(
      `component name '${name}' has other characters than letters, digits, dots, _ and -`,
    );
  }
  const longest = Math.max(0, ...targets.map((target) => ddaComponentOf(name, target).length));
  if (Math.max(longest, name.length) > MAX_NAME_LENGTH) {
    problems.push(
      `component name '${name}' has more than ${MAX_NAME_LENGTH} characters with its target`,
    );
  }
  if (version !== undefined && !/^[1-9]\d{0,5}\.0\.0$/.test(version)) {
    problems.push(
      `version '${version}' must be in format x.0.0 with x from 1: the device takes x as Triton's version`,
    );
  }
  return [...problems, ...targetProblems(targets, runtime, release)];
}
