import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from './run-command.ts';

export interface PackagedArtifact {
  /** Absent when packaging failed; `output` says why. */
  readonly zip: string | undefined;
  readonly output: string;
}

/** `npm run package` for this machine, into `build/test/artifact`. */
export async function packageArtifact(root: string, timeoutMs: number): Promise<PackagedArtifact> {
  const folder = join(root, 'build/test/artifact');
  await rm(folder, { recursive: true, force: true });
  const platform = process.arch === 'x64' ? 'linux/amd64' : 'linux/arm64';
  const options = ['--platform', platform, '--only', 'runtime', '--output', folder];
  const args = ['scripts/package.ts', ...options];
  const { exitCode, output } = await runCommand(process.execPath, args, { cwd: root, timeoutMs });
  const name = `vedette-${platform.replace('/', '-')}.zip`;
  return { zip: exitCode === 0 ? join(folder, name) : undefined, output };
}
