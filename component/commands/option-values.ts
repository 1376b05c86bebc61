import { InvalidArgumentError } from 'commander';

/** A reader of a command line option: a whole number in a range. */
export const wholeNumber =
  (min: number, max: number) =>
  (text: string): number => {
    const value = Number(text);
    if (text.trim() !== '' && Number.isInteger(value) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${min} to ${max}.`);
  };

/** A reader of a command line option: a number in a range. */
export const numberBetween =
  (min: number, max: number) =>
  (text: string): number => {
    const value = Number(text);
    if (text.trim() !== '' && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`Expected a number from ${min} to ${max}.`);
  };

export const score = numberBetween(0, 1);

/** Collects `person=0.6`, given once for each label. */
export function labelScore(
  text: string,
  before: Readonly<Record<string, number>> = {},
): Record<string, number> {
  const at = text.lastIndexOf('=');
  if (at <= 0) throw new InvalidArgumentError('Expected label=score, such as person=0.6.');
  return { ...before, [text.slice(0, at)]: score(text.slice(at + 1)) };
}

/** Collects the values of an option that may be given several times. */
export const collect = (text: string, before: readonly string[] = []): string[] => [
  ...before,
  text,
];
