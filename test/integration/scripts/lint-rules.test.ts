import { execFile } from 'node:child_process';
import { cp, mkdtemp, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../..', import.meta.url));

const BROKEN = [
  [
    'a promise nobody waits for',
    'typescript(no-floating-promises)',
    'component/floating.ts',
    'Promise.resolve(1);',
  ],
  [
    'a promise where a condition is expected',
    'typescript(no-misused-promises)',
    'component/misused.ts',
    'export const f = (p: Promise<boolean>) => (p ? 1 : 2);',
  ],
  [
    'a switch that forgets a case',
    'typescript(switch-exhaustiveness-check)',
    'component/forgets.ts',
    "export function f(x: 'a' | 'b'): void { switch (x) { case 'a': break; } }",
  ],
  [
    'the environment outside main.ts',
    'eslint(no-restricted-properties)',
    'component/environment.ts',
    "export const home = process.env['HOME'];",
  ],
  [
    'the arguments outside main.ts',
    'eslint(no-restricted-imports)',
    'cloud-publisher/arguments.ts',
    "import { argv } from 'node:process'; export const a = argv;",
  ],
  ['console on the device', 'eslint(no-console)', 'local-server/talks.ts', "console.log('hello');"],
  [
    'a name that is not in kebab-case',
    'vedette(file-name)',
    'component/CamelCase.ts',
    'export const a = 1;',
  ],
  [
    'a name that says nothing',
    'vedette(file-name)',
    'component/contract/utils.ts',
    'export const a = 1;',
  ],
] as const;

const ALLOWED = {
  'component/main.ts': "console.log(process.env['HOME']);\n",
  'component/commands/talks.ts': "console.log('hello');\n",
};

const FOLDERS = ['component', 'cloud-publisher', 'local-server'];

/** A small project under the rules of this one. */
let project: string;
/** Rules that each file breaks. */
const broken = new Map<string, string[]>();

beforeAll(async () => {
  project = await mkdtemp(path.join(tmpdir(), 'vedette-lint-'));
  for (const part of ['.oxlintrc.json', 'tsconfig.json', 'package.json', 'scripts/lint']) {
    await cp(path.join(root, part), path.join(project, part), { recursive: true });
  }
  await symlink(path.join(root, 'node_modules'), path.join(project, 'node_modules'));
  const texts = [...BROKEN.map(([, , file, text]) => [file, text]), ...Object.entries(ALLOWED)];
  for (const [file = '', text = ''] of texts) {
    await mkdir(path.dirname(path.join(project, file)), { recursive: true });
    await writeFile(path.join(project, file), text);
  }
  const lint = ['node_modules/oxlint/bin/oxlint', '--format=json', ...FOLDERS];
  const { stdout } = await promisify(execFile)(process.execPath, lint, { cwd: project }).catch(
    (failed: { stdout: string }) => failed,
  );
  const report = JSON.parse(stdout) as { diagnostics: { code: string; filename: string }[] };
  for (const { code, filename } of report.diagnostics) {
    broken.set(filename, [...(broken.get(filename) ?? []), code]);
  }
});
afterAll(() => rm(project, { recursive: true, force: true }));

it.each(BROKEN)('the lint rules report %s', (_what, rule, file) => {
  expect(broken.get(file)).toEqual([rule]);
});

it('the lint rules let main.ts read the environment and commands talk', () => {
  for (const file of Object.keys(ALLOWED)) expect(broken.get(file), file).toBeUndefined();
});
