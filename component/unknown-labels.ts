import type { RuntimeConfig } from './contract/config.ts';
import type { CameraConfig } from './contract/camera-config.ts';
import { labelOf, type RuleConfig } from './contract/rule-config.ts';

export interface UnknownLabel {
  /** The setting, such as `rules.crowd.label`. */
  readonly path: string;
  readonly label: string;
  /** Labels of the model that it may have been meant to be, nearest first. */
  readonly near: readonly string[];
}

const MAX_NEAR = 3;

/** Labels that rules and thresholds of a model's cameras name and that the model does not have. */
export function unknownLabels(
  config: RuntimeConfig,
  model: string,
  labels: readonly string[],
): UnknownLabel[] {
  const settings = Object.entries(config.cameras)
    .filter(([, camera]) => camera.isEnabled)
    .flatMap(([name, camera]) => settingsOf(name, camera))
    .filter((one) => one.model === model);
  const ofThresholds = settings.flatMap(({ path, labels: named }) =>
    named.map((label) => ({ path: `${path}.thresholds.labels.${label}`, label })),
  );
  const isJudged = ({ camera, product }: RuleConfig) =>
    settings.some(
      (one) => one.camera === camera && (product === undefined || one.product === product),
    );
  const ofRules = Object.entries(config.rules).flatMap(([name, rule]) =>
    rule.isEnabled && isJudged(rule) && labelOf(rule) !== undefined
      ? [{ path: `rules.${name}.label`, label: labelOf(rule)! }]
      : [],
  );
  return [...ofRules, ...ofThresholds]
    .filter(({ label }) => !labels.includes(label))
    .map((unknown) => ({ ...unknown, near: nearest(unknown.label, labels) }));
}

/** What a camera judges by: its own settings, and those of each product. */
function settingsOf(camera: string, config: CameraConfig) {
  const path = `cameras.${camera}`;
  const own = { path, camera, model: config.model, labels: Object.keys(config.thresholds.labels) };
  const products = Object.entries(config.products).map(([product, one]) => ({
    path: `${path}.products.${product}`,
    camera,
    product,
    model: one.model ?? config.model,
    labels: Object.keys(one.thresholds?.labels ?? {}),
  }));
  return [{ ...own, product: undefined }, ...products];
}

/** One sentence for each, with what to write instead where that can be guessed. */
export function unknownLabelsText(model: string, unknown: readonly UnknownLabel[]): string {
  const each = unknown.map(({ path, label, near }) => {
    const guess = near.length === 0 ? '' : ` (did you mean ${near.join(' or ')}?)`;
    return `${path} is ${JSON.stringify(label)}${guess}`;
  });
  return `Model ${model} has no such label: ${each.join('; ')}`;
}

function nearest(label: string, labels: readonly string[]): string[] {
  const wanted = label.toLowerCase();
  const limit = Math.max(1, Math.floor(label.length / 3));
  return labels
    .map((known) => ({ known, distance: editDistance(wanted, known.toLowerCase()) }))
    .filter(({ distance }) => distance <= limit)
    .sort((a, b) => a.distance - b.distance)
    .slice(0, MAX_NEAR)
    .map(({ known }) => known);
}

/** Characters to insert, delete or replace (Levenshtein). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
