import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { samplesFolder, startSampleRuntime } from '../../support/real-runtime.ts';
import type { RunningRuntime } from '../../support/real-runtime.ts';
import { startServer } from '../../support/local-server.ts';
import type { RunningServer } from '../../support/local-server.ts';

const run = promisify(execFile);
const docs = await readFile(
  fileURLToPath(new URL('../../../docs/HTTP-API.md', import.meta.url)),
  'utf8',
);
const examples = [...docs.matchAll(/```sh\n([\s\S]*?)```/g)]
  .flatMap(([, block]) => (block ?? '').replaceAll('\\\n', ' ').trim().split('\n'))
  .map((line) => line.replaceAll(/ +/g, ' '));

let device: RunningRuntime;
let server: RunningServer;
let folder: string;

beforeAll(async () => {
  device = await startSampleRuntime();
  server = await startServer(device.runtime);
  folder = await mkdtemp(join(tmpdir(), 'vedette-docs-'));
  await symlink(samplesFolder, join(folder, 'samples'));
});
afterAll(async () => {
  await server?.close();
  await device?.close();
  if (folder) await rm(folder, { recursive: true });
});

const hasCurl = await run('curl', ['--version']).then(
  () => true,
  () => false,
);

describe('docs/HTTP-API.md', () => {
  it('names every address that exists, and no other', async () => {
    const documented = new Set(
      [...docs.matchAll(/`(GET|POST|PUT|PATCH|DELETE) (\/[^`\s]*)`/g)].map(
        ([, method, path]) => `${method} ${path?.replaceAll(/\{(\w+)\}/g, ':$1')}`,
      ),
    );
    documented.delete('GET /');
    documented.delete('GET /assets/:file');
    expect([...documented].sort()).toEqual(routesOf(server).sort());
  });

  it('has examples', () => {
    expect(examples.length).toBeGreaterThan(8);
  });

  it.skipIf(!hasCurl).each(examples)('has an example that works: %s', async (line) => {
    const command = line
      .replace(/^curl /, 'curl --silent --show-error --fail-with-body ')
      .replaceAll('http://127.0.0.1:8080', server.address);
    // A stream is left when its time is over, which curl calls a failure (28).
    const expected = line.includes('--max-time') ? 28 : 0;
    const { code, stdout } = await run('bash', ['-c', command], { cwd: folder }).then(
      (result) => ({ code: 0, stdout: result.stdout }),
      (error: { code: number; stdout: string }) => error,
    );
    expect([code, code === expected ? '' : stdout]).toEqual([expected, '']);
    if (!line.includes('-o ')) expect(stdout.length).toBeGreaterThan(0);
  });
});

/** `GET /path/:name` of every route, from the tree that Fastify prints. */
function routesOf({ app }: RunningServer): string[] {
  const routes: string[] = [];
  const parents: string[] = [];
  for (const line of app.printRoutes({ commonPrefix: false }).split('\n')) {
    const [, indent, name, methods] = /^([│ ]*)[├└]── (\S+) \((.*)\)$/.exec(line) ?? [];
    if (indent === undefined || name === undefined || methods === undefined) continue;
    const depth = indent.length / 4;
    parents.length = depth;
    const path = (parents.at(-1) ?? '') + name;
    parents.push(path);
    if (path.endsWith('*') || path === '/') continue;
    for (const method of methods.split(', ')) {
      const route = `${method} ${path.replace(/\/+$/, '').replaceAll('//', '/')}`;
      if (method !== 'HEAD' && !routes.includes(route)) routes.push(route);
    }
  }
  return routes;
}
