import type { z } from 'zod';
import { VedetteError } from '../contract/errors.ts';
import { redactSetting } from './redact-setting.ts';

/** One thing that is wrong with a configuration. `path` is dotted, such as `cameras.dock.policy`. */
export interface ConfigurationProblem {
  readonly path: string;
  readonly message: string;
}

/** The problems behind a failed zod parse of `input`, each with what came. */
export function problemsOf(error: z.ZodError, input: unknown): ConfigurationProblem[] {
  return error.issues.flatMap((issue) => {
    const path = issue.path.map(String);
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({
        path: [...path, key].join('.'),
        message: 'is not a setting that exists here; check its spelling and its indentation',
      }));
    }
    if (issue.code === 'invalid_union') return [unionProblem(issue, path, input)];
    return [{ path: path.join('.'), message: `${issue.message}, got ${shown(input, path)}` }];
  });
}

function unionProblem(
  issue: z.core.$ZodIssueInvalidUnion,
  path: readonly string[],
  input: unknown,
): ConfigurationProblem {
  const came = shown(input, path);
  if (issue.discriminator !== undefined) {
    const options = 'options' in issue ? (issue.options as unknown[]).map(String) : [];
    const expected = options.length > 0 ? `expected one of ${options.join(', ')}` : issue.message;
    return { path: path.join('.'), message: `${expected}, got ${came}` };
  }
  const alternatives = issue.errors.map((issues) =>
    issues.map((one) => [...one.path.map(String), one.message].join(': ')).join('; '),
  );
  return {
    path: path.join('.'),
    message: `fits none of the forms allowed here (${alternatives.join(' | ')}), got ${came}`,
  };
}

export function configurationError(
  problems: readonly ConfigurationProblem[],
  source: string,
): VedetteError {
  const list = problems.map((problem) => `  ${problem.path || '(root)'}: ${problem.message}`);
  const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`;
  return new VedetteError('CONFIG_INVALID', `${source} has ${count}:\n${list.join('\n')}`, {
    details: { problems },
  });
}

function at(input: unknown, path: readonly string[]): unknown {
  let value = input;
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

/** A value as a message shows it: short, without secrets, and never the inside of an object. */
function shown(input: unknown, path: readonly string[]): string {
  const value = redactSetting(at(input, path), path.join('.'));
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'a map';
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}
