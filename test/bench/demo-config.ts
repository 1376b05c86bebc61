import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import type { VedetteConfig } from './vedette-process.ts';

type DemoConfig = { [Part in keyof VedetteConfig]-?: NonNullable<VedetteConfig[Part]> };

/** The demo's own configuration with both cameras as fast as their models can. */
export function demoFlatOut(root: string): VedetteConfig {
  const folder = path.join(root, 'samples');
  const { models, cameras, zones, lines, rules, captures, retention } = parse(
    readFileSync(path.join(folder, 'demo.yaml'), 'utf8'),
  ) as DemoConfig;
  for (const model of Object.values(models)) model.package = path.join(folder, model.package);
  for (const camera of Object.values(cameras)) {
    camera.pace = 'fast';
    const { source } = camera;
    if (source.kind === 'ffmpeg') source.url = path.join(folder, source.url);
    if (source.kind === 'folder') source.path = path.join(folder, source.path);
  }
  return { models, cameras, zones, lines, rules, captures, retention };
}
