import { execFile } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { openPromise } from 'yauzl';

const run = promisify(execFile);
const root = path.join(import.meta.dirname, '..', '..');

/** `npm run package` for one platform. Returns the zip. */
export async function makeArtifact(
  platform: 'linux/amd64' | 'linux/arm64',
  output: string,
  kind: 'runtime' | 'media' = 'runtime',
): Promise<string> {
  const args = ['--platform', platform, '--only', kind, '--output', output];
  const script = path.join(root, 'scripts/package.ts');
  const { stdout } = await run(process.execPath, [script, ...args], { cwd: root });
  return stdout.trim().split('\n').at(-1)?.split('  ')[0] ?? '';
}

/**
 * Unpacks as a nucleus does whose recipe grants execution: every file may be executed, whatever the zip
 * says. Returns the names inside.
 */
export async function unpackArtifact(zip: string, into: string): Promise<string[]> {
  const file = await openPromise(zip, { lazyEntries: true });
  const names: string[] = [];
  for await (const entry of file.eachEntry()) {
    names.push(entry.fileName);
    const to = path.join(into, entry.fileName);
    await mkdir(path.dirname(to), { recursive: true });
    await pipeline(await file.openReadStreamPromise(entry), createWriteStream(to, { mode: 0o555 }));
  }
  return names;
}
