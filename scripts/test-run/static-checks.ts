import { existsSync, globSync } from 'node:fs';
import { join } from 'node:path';

/** A check without tests of its own: it passes or fails as one. */
export interface StaticCheck {
  readonly title: string;
  readonly command: string;
  readonly args: readonly string[];
  /** What to do when it fails. */
  readonly remedy?: string;
}

const PRODUCT = ['component', 'native', 'local-server', 'cloud-publisher', 'scripts'];

/** C++ files of the addon, relative to the root. */
export const cppFiles = (root: string): string[] =>
  globSync('native/{core,binding,test,bench}/**/*.{cc,cpp,h,hpp}', { cwd: root }).sort();

export function staticChecks(root: string): StaticCheck[] {
  const node = (title: string, args: readonly string[], remedy?: string): StaticCheck => ({
    title,
    command: process.execPath,
    args,
    ...(remedy === undefined ? {} : { remedy }),
  });
  return [
    node('lint', ['node_modules/oxlint/bin/oxlint', '.']),
    node('types', ['node_modules/typescript-7/bin/tsc', '-p', '.']),
    node(
      'formatting',
      ['node_modules/prettier/bin/prettier.cjs', '--check', '--log-level=warn', '.'],
      'npm run format',
    ),
    {
      title: 'formatting of C++',
      command: 'clang-format',
      args: ['--dry-run', '-Werror', ...cppFiles(root)],
      remedy: 'npm run format',
    },
    node('import boundaries', [
      'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs',
      '--output-type=err-long',
      ...PRODUCT.filter((folder) => existsSync(join(root, folder))),
    ]),
    node('generated documents', ['scripts/generate-docs.ts', '--check'], 'npm run docs'),
  ];
}
