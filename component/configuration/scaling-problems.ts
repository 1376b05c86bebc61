import { tilingSchema } from '../contract/tiling-config.ts';
import { isMap, mapAt, type ConfigurationTree } from './configuration-layer.ts';
import type { ConfigurationProblem } from './configuration-problem.ts';

/** What needs the camera's picture in full cannot be had from a source with `scaling: model`. */
export function scalingProblems(tree: ConfigurationTree): ConfigurationProblem[] {
  return Object.entries(mapAt(tree, 'cameras')).flatMap(([name, camera]) => {
    if (!isMap(camera) || mapAt(camera, 'source')['scaling'] !== 'model') return [];
    const sharing = Object.values(mapAt(tree, 'cameras')).filter(
      (other) => isMap(other) && isSharing(other, name),
    );
    const reason = [camera, ...sharing].flatMap((one) =>
      isMap(one) ? (reasonFor(tree, one) ?? []) : [],
    )[0];
    if (reason === undefined) return [];
    const message = `cannot be "model", since ${reason} in full; set it to "none"`;
    return [{ path: `cameras.${name}.source.scaling`, message }];
  });
}

function isSharing(camera: ConfigurationTree, name: string): boolean {
  const source = mapAt(camera, 'source');
  return source['kind'] === 'camera' && source['camera'] === name;
}

function reasonFor(tree: ConfigurationTree, camera: ConfigurationTree): string | undefined {
  const products = Object.values(mapAt(camera, 'products')).filter((one) => isMap(one));
  const models = [camera, ...products]
    .map((one) => one['model'])
    .filter((model) => typeof model === 'string');
  const chain = models.find((model) => Object.hasOwn(mapAt(tree, 'chains'), model));
  if (chain !== undefined) return `the chain "${chain}" takes its crops from the picture`;
  if (isMap(camera['tiling'])) {
    return isTiled(camera) ? 'the tiles of the camera are cut from the picture' : undefined;
  }
  const tiled = models.find((model) => {
    const settings = mapAt(tree, 'models')[model];
    return isMap(settings) && isMap(settings['tiling']) && isTiled(settings);
  });
  return tiled === undefined
    ? undefined
    : `the tiles of the model "${tiled}" are cut from the picture`;
}

/** What the schema refuses is left to the schema. */
const isTiled = (entry: ConfigurationTree): boolean =>
  tilingSchema.safeParse(entry['tiling']).data?.isEnabled ?? false;
