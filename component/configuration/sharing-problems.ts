import { isMap, mapAt, type ConfigurationTree } from './configuration-layer.ts';
import type { ConfigurationProblem } from './configuration-problem.ts';

/** Sources of kind `camera` whose other camera cannot give them frames. */
export function sharingProblems(tree: ConfigurationTree): ConfigurationProblem[] {
  const cameras = mapAt(tree, 'cameras');
  return Object.entries(cameras).flatMap(([name, camera]) => {
    const source = isMap(camera) ? mapAt(camera, 'source') : {};
    const other = source['camera'];
    if (source['kind'] !== 'camera' || typeof other !== 'string') return [];
    const message = problemOf(name, other, cameras);
    return message === undefined ? [] : [{ path: `cameras.${name}.source.camera`, message }];
  });
}

function problemOf(name: string, other: string, cameras: ConfigurationTree): string | undefined {
  if (other === name) return 'names the camera itself; expected the one whose frames it gets';
  if (!Object.hasOwn(cameras, other)) {
    const others = Object.keys(cameras).filter((one) => one !== name);
    const known =
      others.length === 0 ? 'no other is configured' : `configured are ${others.join(', ')}`;
    return `names the camera ${JSON.stringify(other)}, but ${known}`;
  }
  const camera = cameras[other];
  const source = isMap(camera) ? mapAt(camera, 'source') : {};
  if (source['kind'] === 'camera') {
    const end = String(source['camera']);
    return `names the camera "${other}", which has its frames from camera "${end}"; expected the one that opens the source`;
  }
  if (source['kind'] !== 'push') return undefined;
  return `names the camera "${other}", whose pictures are pushed: each has one answer, that of its own camera; push it to both`;
}
