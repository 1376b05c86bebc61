import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { z } from 'zod';
import type { runtimeConfigSchema } from '../../component/contract/config.ts';
import type { CameraStatus } from '../../component/contract/ports.ts';
import type { BenchContext } from './section.ts';
import { instrumentedNode, ServerProcess } from './server-process.ts';

/** A configuration as it is written: what it leaves out has defaults. */
export type VedetteConfig = z.input<typeof runtimeConfigSchema>;

const START_TIMEOUT_MS = 60_000;

/** The real `vedette run` with a configuration and a data folder of its own, ready to answer. */
export async function startVedette(
  { root, folder }: Pick<BenchContext, 'root' | 'folder'>,
  name: string,
  config: VedetteConfig,
): Promise<ServerProcess> {
  mkdirSync(folder, { recursive: true });
  const own = mkdtempSync(path.join(folder, 'vedette-'));
  const file = path.join(own, 'config.json');
  writeFileSync(
    file,
    JSON.stringify({ dataFolder: path.join(own, 'data'), server: { port: 0 }, ...config }),
  );
  const command = instrumentedNode(name, root, 'component/main.ts', ['run', '--config', file]);
  const server = await ServerProcess.start(command);
  const deadline = Date.now() + START_TIMEOUT_MS;
  await server.until(async () => {
    if (Date.now() > deadline) throw new Error(`${name} was not ready in ${START_TIMEOUT_MS} ms`);
    return (await fetch(`${server.address}/health/ready`)).ok;
  }, 50);
  return server;
}

export async function cameraStatus(server: ServerProcess, name: string): Promise<CameraStatus> {
  return server.getJson<CameraStatus>(`/api/v1/cameras/${name}`);
}

/** Absolute path of a sample. */
export const sample = (root: string, file: string): string => path.join(root, 'samples', file);
