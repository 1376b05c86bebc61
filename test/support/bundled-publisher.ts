import { mkdir, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import { bundleProgram } from '../../scripts/package/bundle.ts';
import { root } from '../../scripts/package/target.ts';

/**
 * The publisher in one file with its threads beside it, as npm's package has it, laid into `folder` with
 * what it looks for around it. @returns the program
 */
export async function bundlePublisher(folder: string): Promise<string> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await bundleProgram('cloud-publisher/cli.ts', path.join(folder, 'bin'));
  for (const name of ['node_modules', 'recipes', 'build']) {
    await symlink(path.join(root, name), path.join(folder, name));
  }
  return path.join(folder, 'bin/cli.js');
}

/** The one of a whole run, else one that is made in `folder`. */
export const bundledPublisher = async (folder: string): Promise<string> =>
  process.env['VEDETTE_TEST_PUBLISHER'] ?? (await bundlePublisher(path.join(folder, 'publisher')));
