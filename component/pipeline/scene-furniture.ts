import type { RuntimeConfig } from '../contract/config.ts';
import type { Overlay } from './draw-overlay.ts';
import type { DrawnZone } from './draw-space.ts';
import type { NamedRule } from './rules/evidence.ts';
import { ofCamera } from './space/camera-scene.ts';

/** What stands still in a camera's picture. */
export type SceneFurniture = Pick<Overlay, 'zones' | 'lines'>;

export const furnitureOf = (
  config: RuntimeConfig,
  camera: string,
  rules: readonly NamedRule[],
): SceneFurniture => ({
  zones: zonesOf(config, camera, rules),
  lines: ofCamera(config.lines, camera),
});

/** Named ones, and those that stand in a rule. */
const zonesOf = (
  config: RuntimeConfig,
  camera: string,
  rules: readonly NamedRule[],
): DrawnZone[] => [
  ...Object.entries(ofCamera(config.zones, camera)).map(([name, { polygon }]) => ({
    name,
    polygon,
  })),
  ...rules.flatMap((rule) =>
    rule.kind === 'count' && typeof rule.zone === 'object' && rule.isEnabled
      ? [{ polygon: rule.zone }]
      : [],
  ),
];
