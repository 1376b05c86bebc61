// Bundles the page into build/dashboard; done already when no source changed since.
import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const sourceFolder = dirname(fileURLToPath(import.meta.url));
const rootFolder = join(sourceFolder, '..', '..');
const outputFolder = join(rootFolder, 'build', 'dashboard');
const stampName = 'sources.sha256';

/**
 * @returns {Promise<{ folder: string, wasBuilt: boolean }>} where the page is, and whether it had
 * to be built
 */
export async function buildDashboard() {
  const stamp = await sourcesHash();
  const lastStamp = await readFile(join(outputFolder, stampName), 'utf8').catch(() => '');
  if (lastStamp === stamp) return { folder: outputFolder, wasBuilt: false };

  // Built beside and moved into place, so that no reader sees half a page.
  await mkdir(dirname(outputFolder), { recursive: true });
  const newFolder = await mkdtemp(join(dirname(outputFolder), '.dashboard-'));
  try {
    await chmod(newFolder, 0o755);
    await bundle(newFolder);
    await writeFile(join(newFolder, stampName), stamp);
    await rm(outputFolder, { recursive: true, force: true });
    await rename(newFolder, outputFolder);
  } catch (error) {
    await rm(newFolder, { recursive: true, force: true });
    const isTaken = error.code === 'ENOTEMPTY' || error.code === 'EEXIST';
    if (!isTaken) throw error; // taken: another process built the same sources meanwhile
  }
  return { folder: outputFolder, wasBuilt: true };
}

async function bundle(folder) {
  const { build } = await import('esbuild');
  const { metafile } = await build({
    absWorkingDir: rootFolder,
    entryPoints: [join(sourceFolder, 'main.tsx'), join(sourceFolder, 'icon.svg')],
    outdir: join(folder, 'assets'),
    entryNames: '[name]-[hash]',
    chunkNames: 'chunk-[hash]',
    assetNames: '[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    target: 'es2022',
    minify: true,
    legalComments: 'linked',
    metafile: true,
    jsx: 'automatic',
    loader: { '.svg': 'copy' },
    define: { 'process.env.NODE_ENV': '"production"' },
    plugins: [usedComponentsOnly],
    logLevel: 'warning',
  });
  const [script, entry] = Object.entries(metafile.outputs).find(([, output]) => output.cssBundle);
  const address = (file) => `/${relative(folder, join(rootFolder, file))}`;
  const icon = Object.keys(metafile.outputs).find((file) => file.endsWith('.svg'));
  const template = await readFile(join(sourceFolder, 'index.html'), 'utf8');
  const page = template
    .replace('%ICON%', address(icon))
    .replace('%STYLE%', address(entry.cssBundle))
    .replace('%SCRIPT%', address(script));
  await writeFile(join(folder, 'index.html'), page);
}

/**
 * esbuild drops unused code but keeps the style sheets of everything that an index file names: the
 * index of the components is cut down to those that the page imports.
 */
export const usedComponentsOnly = {
  name: 'used-components-only',
  setup(build) {
    build.onLoad({ filter: /@cloudscape-design\/components\/index\.js$/ }, async ({ path }) => {
      const used = new Set();
      for (const name of await readdir(sourceFolder)) {
        if (!name.endsWith('.tsx')) continue;
        const source = await readFile(join(sourceFolder, name), 'utf8');
        const imports = /import \{([^}]*)\} from '@cloudscape-design\/components'/g;
        for (const [, names] of source.matchAll(imports)) {
          for (const one of names.split(',')) used.add(one.trim());
        }
      }
      const lines = (await readFile(path, 'utf8')).split('\n');
      const kept = lines.filter((line) => used.has(/default as (\w+)/.exec(line)?.[1]));
      return { contents: kept.join('\n'), resolveDir: dirname(path) };
    });
  },
};

async function sourcesHash() {
  const hash = createHash('sha256');
  const names = (await readdir(sourceFolder)).sort();
  const files = [
    ...names.map((name) => join(sourceFolder, name)),
    join(rootFolder, 'package-lock.json'),
  ];
  for (const file of files) {
    hash
      .update(`${relative(rootFolder, file)}\0`)
      .update(await readFile(file))
      .update('\0');
  }
  return hash.digest('hex');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { folder, wasBuilt } = await buildDashboard();
  console.log(`${relative(process.cwd(), folder)} ${wasBuilt ? 'built' : 'is up to date'}`);
}
