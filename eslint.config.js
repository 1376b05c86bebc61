// @ts-check
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

/**
 * Rules that catch defects. How code looks is Prettier's business.
 * @type {import('eslint').Linter.RulesRecord}
 */
const defects = {
  '@typescript-eslint/await-thenable': 'error',
  '@typescript-eslint/consistent-type-exports': 'error',
  '@typescript-eslint/consistent-type-imports': ['error', { disallowTypeAnnotations: false }],
  '@typescript-eslint/no-base-to-string': 'error',
  '@typescript-eslint/no-explicit-any': 'error',
  '@typescript-eslint/no-floating-promises': 'error',
  '@typescript-eslint/no-for-in-array': 'error',
  '@typescript-eslint/no-implied-eval': 'error',
  '@typescript-eslint/no-misused-promises': 'error',
  '@typescript-eslint/no-misused-spread': 'error',
  '@typescript-eslint/no-unsafe-unary-minus': 'error',
  '@typescript-eslint/only-throw-error': 'error',
  '@typescript-eslint/prefer-promise-reject-errors': 'error',
  '@typescript-eslint/require-array-sort-compare': ['error', { ignoreStringArrays: true }],
  '@typescript-eslint/restrict-plus-operands': 'error',
  '@typescript-eslint/return-await': ['error', 'error-handling-correctness-only'],
  '@typescript-eslint/switch-exhaustiveness-check': [
    'error',
    { considerDefaultExhaustiveForUnions: true },
  ],
  '@typescript-eslint/unbound-method': 'error',
  'array-callback-return': 'error',
  eqeqeq: 'error',
  'no-async-promise-executor': 'error',
  'no-compare-neg-zero': 'error',
  'no-constant-binary-expression': 'error',
  'no-constant-condition': ['error', { checkLoops: 'allExceptWhileTrue' }],
  'no-control-regex': 'error',
  'no-debugger': 'error',
  'no-dupe-else-if': 'error',
  'no-duplicate-imports': ['error', { allowSeparateTypeImports: true }],
  'no-empty': ['error', { allowEmptyCatch: false }],
  'no-fallthrough': 'error',
  'no-self-assign': 'error',
  'no-self-compare': 'error',
  'no-sparse-arrays': 'error',
  'no-unreachable-loop': 'error',
  'no-unsafe-finally': 'error',
  'no-unsafe-optional-chaining': 'error',
  'no-useless-backreference': 'error',
  'no-useless-catch': 'error',
  'no-var': 'error',
  'prefer-const': 'error',
  'valid-typeof': 'error',
};

/** Names that say nothing of what a file holds. */
const VAGUE_NAMES = /^(utils?|helpers?|common|misc)$/;
const KEBAB_CASE = /^\.?[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)*$/;

/** @type {import('eslint').Rule.RuleModule} */
const fileName = {
  create: (context) => ({
    Program(node) {
      const [base = ''] = context.filename.split('/').slice(-1);
      const name = base.replace(/\.(test\.)?[^.]+$/, '');
      if (!KEBAB_CASE.test(name)) {
        context.report({ node, message: `«${base}» should be in kebab-case.` });
      }
      if (VAGUE_NAMES.test(name)) {
        context.report({ node, message: `«${base}»: name the file after what it holds.` });
      }
    },
  }),
};

const PUBLISHER = ['cloud-publisher/**/*.ts'];
const DEVICE = ['component/**/*.ts', 'native/**/*.ts', 'local-server/**/*.{ts,tsx}'];

export default defineConfig(
  globalIgnores(['**/build/', 'dist/', '.vedette/', 'coverage/', 'greengrass-build/', 'samples/']),
  {
    files: ['**/*.{ts,tsx,js,mjs,cjs}'],
    extends: [tseslint.configs.base],
    languageOptions: { parserOptions: { projectService: true } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    plugins: { vedette: { rules: { 'file-name': fileName } } },
    rules: { ...defects, 'vedette/file-name': 'error' },
  },
  {
    // One file of each half reads the surroundings of the process; the rest gets values.
    files: [...DEVICE, ...PUBLISHER],
    ignores: ['component/main.ts', 'component/device-program.ts', 'cloud-publisher/cli.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'env', message: 'Only main.ts and cli.ts read it.' },
        { object: 'process', property: 'argv', message: 'Only main.ts and cli.ts read it.' },
      ],
      'no-restricted-imports': [
        'error',
        {
          paths: [
            {
              name: 'node:process',
              importNames: ['env', 'argv'],
              message: 'Only main.ts and cli.ts read them.',
            },
          ],
        },
      ],
    },
  },
  {
    // A device logs through pino; commands talk to people.
    files: [...DEVICE, ...PUBLISHER],
    ignores: ['component/main.ts', 'component/commands/**', '**/build.mjs'],
    rules: { 'no-console': 'error' },
  },
  {
    files: ['test/**/*.ts'],
    rules: { '@typescript-eslint/unbound-method': 'off' },
  },
);
