import { build, type Metafile } from 'esbuild';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { usedComponentsOnly } from '../../local-server/dashboard/build.mjs';
import { root } from './target.ts';

/** They load binaries by paths of their own, so that they ship as packages. */
export const EXTERNAL = ['better-sqlite3', 'onnxruntime-node', 'sharp'];

/** Looked for by node-opcua’s file lock, which does without it. */
const NOT_SHIPPED = ['proper-lockfile'];

/** What CommonJS packages expect, in a bundle that is a module. */
const BANNER = `import { createRequire as createRequireOfBundle } from 'node:module';
const require = createRequireOfBundle(import.meta.url);
const __filename = import.meta.filename;
const __dirname = import.meta.dirname;`;

/** The runtime in `folder`. @returns the npm packages that are inside */
export const bundleRuntime = (folder: string): Promise<Set<string>> =>
  bundleProgram('component/main.ts', folder);

/**
 * One file per entry, all in `folder`: the program and each thread and process that it may start, found
 * by their `entryFile('name', import.meta.url)`.
 * @returns the npm packages that are inside
 */
export async function bundleProgram(program: string, folder: string): Promise<Set<string>> {
  const packages = new Set<string>();
  const seen = new Set<string>();
  const waiting = [program];
  for (let entry = waiting.pop(); entry !== undefined; entry = waiting.pop()) {
    if (seen.has(entry)) continue;
    seen.add(entry);
    const { metafile } = await build({
      absWorkingDir: root,
      entryPoints: [entry],
      outfile: path.join(folder, `${path.basename(entry, '.ts')}.js`),
      bundle: true,
      platform: 'node',
      target: 'node24',
      format: 'esm',
      banner: { js: BANNER },
      external: [...EXTERNAL, ...NOT_SHIPPED],
      legalComments: 'none',
      // The text stays in memory as long as the process lives: a third of it is white space.
      minifyWhitespace: true,
      metafile: true,
      logLevel: 'error',
    });
    for (const name of packagesOf(metafile)) packages.add(name);
    waiting.push(...(await entriesOf(metafile)));
  }
  return packages;
}

/** The npm packages inside the web page. */
export async function packagesOfDashboard(): Promise<Set<string>> {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: ['local-server/dashboard/main.tsx'],
    outdir: 'unwritten',
    write: false,
    bundle: true,
    format: 'esm',
    splitting: true,
    minify: true,
    metafile: true,
    jsx: 'automatic',
    define: { 'process.env.NODE_ENV': '"production"' },
    plugins: [usedComponentsOnly],
    logLevel: 'error',
  });
  return packagesOf(metafile);
}

/** Folders of packages, below the clone: `node_modules/a`, `node_modules/a/node_modules/@b/c`. */
function packagesOf(metafile: Metafile): Set<string> {
  const inside = new Set<string>();
  for (const output of Object.values(metafile.outputs)) {
    for (const [file, { bytesInOutput }] of Object.entries(output.inputs)) {
      const found = /^(.*\bnode_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1];
      if (found !== undefined && bytesInOutput > 0) inside.add(found);
    }
  }
  return inside;
}

async function entriesOf(metafile: Metafile): Promise<string[]> {
  const entries: string[] = [];
  for (const file of Object.keys(metafile.inputs)) {
    if (file.includes('node_modules/')) continue;
    const source = await readFile(path.join(root, file), 'utf8');
    for (const [, name] of source.matchAll(/entryFile\(\s*'([a-z-]+)',\s*import\.meta\.url/g)) {
      entries.push(path.join(path.dirname(file), `${name}.ts`));
    }
  }
  return entries;
}
