import { isMap, mapAt, type ConfigurationTree } from './configuration-layer.ts';
import type { ConfigurationProblem } from './configuration-problem.ts';

/** Zones and lines without extent, and rules that name what is not there or in another picture. */
export function spaceProblems(tree: ConfigurationTree): ConfigurationProblem[] {
  return [
    ...named(tree, 'zones').flatMap(([name, zone]) => flatZone(name, zone)),
    ...named(tree, 'lines').flatMap(([name, line]) => shortLine(name, line)),
    ...named(tree, 'rules').flatMap(([name, rule]) => [
      ...missing(tree, `rules.${name}.zone`, rule, 'zone', 'zones'),
      ...missing(tree, `rules.${name}.line`, rule, 'line', 'lines'),
      ...untracked(tree, `rules.${name}.kind`, rule),
    ]),
    ...named(tree, 'lines').flatMap(([name, line]) =>
      isTrackingOff(tree, line['camera'])
        ? [offProblem(`lines.${name}`, line['camera'] as string)]
        : [],
    ),
  ];
}

const named = (tree: ConfigurationTree, section: string): [string, ConfigurationTree][] =>
  Object.entries(mapAt(tree, section)).flatMap(([name, entry]) =>
    isMap(entry) ? [[name, entry]] : [],
  );

function missing(
  tree: ConfigurationTree,
  path: string,
  rule: ConfigurationTree,
  key: 'zone' | 'line',
  section: 'zones' | 'lines',
): ConfigurationProblem[] {
  const name = rule[key];
  if (typeof name !== 'string') return [];
  const entries = mapAt(tree, section);
  const found = Object.hasOwn(entries, name) ? entries[name] : undefined;
  if (!isMap(found)) {
    const known = Object.keys(entries);
    const list = known.length === 0 ? 'none is configured' : `configured are ${known.join(', ')}`;
    return [{ path, message: `names the ${key} ${JSON.stringify(name)}, but ${list}` }];
  }
  if (typeof rule['camera'] !== 'string' || found['camera'] === rule['camera']) return [];
  return [
    {
      path,
      message: `names the ${key} ${JSON.stringify(name)} of camera ${JSON.stringify(found['camera'])}; the rule's camera is ${JSON.stringify(rule['camera'])}`,
    },
  ];
}

function untracked(
  tree: ConfigurationTree,
  path: string,
  rule: ConfigurationTree,
): ConfigurationProblem[] {
  const needsTracking = ['occupancy', 'dwell', 'crossing'].includes(String(rule['kind']));
  if (!needsTracking || !isTrackingOff(tree, rule['camera'])) return [];
  return [offProblem(path, rule['camera'] as string)];
}

function isTrackingOff(tree: ConfigurationTree, camera: unknown): boolean {
  if (typeof camera !== 'string') return false;
  const isEnabled = mapAt(mapAt(mapAt(tree, 'cameras'), camera), 'tracking')['isEnabled'];
  return isEnabled === false || isEnabled === 'false';
}

const offProblem = (path: string, camera: string): ConfigurationProblem => ({
  path,
  message: `needs followed objects, but \`cameras.${camera}.tracking.isEnabled\` is false`,
});

type Corner = { readonly x: number; readonly y: number };

/** Corners as numbers; none when the schema refuses them anyway. */
function corners(list: unknown): Corner[] {
  if (!Array.isArray(list)) return [];
  const read = list.flatMap((one) =>
    isMap(one) ? [{ x: Number(one['x']), y: Number(one['y']) }] : [],
  );
  return read.every(({ x, y }) => Number.isFinite(x) && Number.isFinite(y)) ? read : [];
}

function flatZone(name: string, zone: ConfigurationTree): ConfigurationProblem[] {
  const polygon = corners(zone['polygon']);
  if (polygon.length < 3) return [];
  const [first] = polygon as [Corner];
  const second = polygon.find(({ x, y }) => x !== first.x || y !== first.y) ?? first;
  const isFlat = polygon.every(
    ({ x, y }) => (second.x - first.x) * (y - first.y) - (second.y - first.y) * (x - first.x) === 0,
  );
  return isFlat
    ? [{ path: `zones.${name}.polygon`, message: 'has no area: its corners lie on one line' }]
    : [];
}

function shortLine(name: string, line: ConfigurationTree): ConfigurationProblem[] {
  const points = corners(line['points']);
  if (points.length < 2) return [];
  const isPoint = points.every(({ x, y }) => x === points[0]!.x && y === points[0]!.y);
  return isPoint
    ? [{ path: `lines.${name}.points`, message: 'has no length: its points are the same' }]
    : [];
}
