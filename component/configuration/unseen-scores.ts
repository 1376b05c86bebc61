import { isMap, mapAt, type ConfigurationTree } from './configuration-layer.ts';
import type { ConfigurationProblem } from './configuration-problem.ts';

/**
 * A rule `score-between` that begins below a configured threshold: what it looks for is left out before
 * it is judged, so that it would always pass. Thresholds of models are known at judging only.
 */
export function unseenScores(
  path: string,
  rule: ConfigurationTree,
  tree: ConfigurationTree,
): ConfigurationProblem[] {
  const isOff = rule['isEnabled'] === false || rule['isEnabled'] === 'false';
  if (rule['kind'] !== 'score-between' || isOff) return [];
  const from = Number(rule['from']);
  return thresholdsOf(rule, tree).flatMap(([place, threshold]) =>
    threshold > from
      ? [
          {
            path: `${path}.from`,
            message: `must be at or above \`${place}\` (${threshold}), since lower scores are left out, got ${from}`,
          },
        ]
      : [],
  );
}

/** Those that hold where the rule judges: the camera's, and those of products in place of them. */
function thresholdsOf(
  { camera, product, label }: ConfigurationTree,
  tree: ConfigurationTree,
): [place: string, threshold: number][] {
  const cameras = mapAt(tree, 'cameras');
  const own = typeof camera === 'string' ? cameras[camera] : undefined;
  if (!isMap(own)) return [];
  const products = Object.entries(mapAt(own, 'products'));
  const judged = products.filter(([code]) => product === undefined || code === product);
  const isOwnJudged =
    product === undefined && (products.length === 0 || own['unknownProduct'] === 'default');
  const hasOwn = ([, one]: [string, unknown]) => isMap(one) && isMap(one['thresholds']);
  const places: [string, ConfigurationTree][] = judged
    .filter(hasOwn)
    .map(([code, one]) => [`products.${code}.`, one as ConfigurationTree]);
  if (isOwnJudged || !judged.every(hasOwn)) places.unshift(['', own]);
  return places.flatMap(([part, place]) => {
    const thresholds = mapAt(place, 'thresholds');
    const prefix = `cameras.${String(camera)}.${part}thresholds`;
    const labels = mapAt(thresholds, 'labels');
    const ofLabels = Object.entries(labels)
      .filter(([one]) => label === undefined || one === label)
      .map(([one, value]): [string, number] => [`${prefix}.labels.${one}`, Number(value)]);
    const isLabelSet = typeof label === 'string' && Object.hasOwn(labels, label);
    const { score } = thresholds;
    if (isLabelSet || score === undefined) return ofLabels;
    return [[`${prefix}.score`, Number(score)] as [string, number], ...ofLabels];
  });
}
