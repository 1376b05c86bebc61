import { Cron } from 'croner';
import { isMap, mapAt, type ConfigurationTree } from './configuration-layer.ts';
import type { ConfigurationProblem } from './configuration-problem.ts';

/** Triggers of cameras that do not wait for any, and times that are none. `tree` is as it was written. */
export function triggerProblems(tree: ConfigurationTree): ConfigurationProblem[] {
  return [...cameraProblems(tree), ...timeProblems(tree)];
}

function timeProblems(tree: ConfigurationTree): ConfigurationProblem[] {
  return Object.entries(mapAt(tree, 'triggers')).flatMap(([name, trigger]) => {
    if (!isMap(trigger) || trigger['kind'] !== 'cron') return [];
    const { expression, timeZone } = trigger;
    if (typeof expression !== 'string') return [];
    const zone = typeof timeZone === 'string' ? { timezone: timeZone } : {};
    try {
      const next = new Cron(expression, { paused: true, ...zone }).nextRun();
      if (next !== null) return [];
      return [{ path: `triggers.${name}.expression`, message: 'it never comes' }];
    } catch (thrown) {
      const isZone = /time ?zone/i.test((thrown as Error).message);
      const path = `triggers.${name}.${isZone ? 'timeZone' : 'expression'}`;
      return [{ path, message: (thrown as Error).message }];
    }
  });
}

function cameraProblems(tree: ConfigurationTree): ConfigurationProblem[] {
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
