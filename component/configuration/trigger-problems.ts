import { isMap, mapAt, type ConfigurationTree } from './configuration-layer.ts';
import type { ConfigurationProblem } from './configuration-problem.ts';

/** Triggers of cameras that do not wait for any. `tree` is as it was written. */
export function triggerProblems(tree: ConfigurationTree): ConfigurationProblem[] {
  const cameras = mapAt(tree, 'cameras');
  return Object.entries(mapAt(tree, 'triggers')).flatMap(([name, trigger]) => {
    if (!isMap(trigger) || typeof trigger['camera'] !== 'string') return [];
    const camera = cameras[trigger['camera']];
    const path = `triggers.${name}.camera`;
    if (!isMap(camera)) return [];
    if (camera['policy'] === 'triggered') return [];
    const message = `its \`policy\` must be triggered, got ${JSON.stringify(camera['policy'] ?? 'auto')}`;
    return [{ path, message }];
  });
}
