// Bundles the page into build/dashboard; done already when no source changed since.
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
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
