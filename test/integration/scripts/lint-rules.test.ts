import { ESLint } from 'eslint';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const eslint = new ESLint({ cwd: root });

/** Rules that a text breaks when it stands in a file of the product. */
const brokenRules = async (text: string, file = 'component/contract/errors.ts') => {
  const [result] = await eslint.lintText(text, { filePath: join(root, file) });
  return result?.messages.map((message) => message.ruleId ?? message.message);
};

// The first text waits for all types of the project.
describe('the lint rules', { timeout: 120_000 }, () => {
  it.each([
    [
      'a promise nobody waits for',
      '@typescript-eslint/no-floating-promises',
      'Promise.resolve(1);',
    ],
    [
      'a promise where a condition is expected',
      '@typescript-eslint/no-misused-promises',
      'export const f = (p: Promise<boolean>) => (p ? 1 : 2);',
    ],
    [
      'a switch that forgets a case',
      '@typescript-eslint/switch-exhaustiveness-check',
      "export function f(x: 'a' | 'b'): void { switch (x) { case 'a': break; } }",
    ],
    [
      'the environment outside main.ts',
      'no-restricted-properties',
      "export const home = process.env['HOME'];",
    ],
    [
      'the arguments outside main.ts',
      'no-restricted-imports',
      "import { argv } from 'node:process'; export const a = argv;",
    ],
    ['console on the device', 'no-console', "console.log('hello');"],
  ])('report %s', async (_what, rule, text) => {
    expect(await brokenRules(text)).toContain(rule);
  });

  it('let main.ts read the environment and commands talk', async () => {
    const text = "console.log(process.env['HOME']);\n";
    expect(await brokenRules(text, 'component/main.ts')).toEqual([]);
  });
});
