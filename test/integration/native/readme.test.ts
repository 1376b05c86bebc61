/** native/README.md holds what it says: every example is compiled and run, everything public is named. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import ts from 'typescript';
import { afterAll, describe, expect, it } from 'vitest';
import { RAW_PIXEL_FORMATS } from '../../../component/contract/frame.ts';
import { PICTURE_DTYPES } from '../../../component/contract/tensor.ts';
import * as addon from '../../../native/index.ts';

const root = path.join(import.meta.dirname, '../../..');
const native = path.join(root, 'native');
const page = readFileSync(path.join(native, 'README.md'), 'utf8');
const examples = [...page.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, source], index) => ({
  source: source!,
  line: page.slice(0, page.indexOf(source!)).split('\n').length,
  // As if it lay beside the page: its imports say so.
  file: path.join(native, `readme-example-${index + 1}.ts`),
}));

const folder = mkdtempSync(path.join(tmpdir(), 'vedette-readme-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What each `// → …` behind a `console.log` says that it prints, in order. */
function promises(source: string): string[] {
  return [...source.matchAll(/^.*console\.log\(.*\); \/\/ → (.*)$/gm)].map(([, text]) => text!);
}

describe('native/README.md', () => {
  it('has examples, and each prints what it promises', () => {
    expect(examples.length).toBeGreaterThanOrEqual(5);
    for (const { source, line } of examples) {
      const printed = source.match(/console\.log\(/g)?.length ?? 0;
      expect(printed, `example in line ${line}`).toBeGreaterThan(0);
      expect(promises(source), `example in line ${line}`).toHaveLength(printed);
    }
  });

  it.each(examples)('the example in line $line gives what it says', async ({ source, file }) => {
    const resolved = source.replaceAll(
      /from '(\.[^']+)'/g,
      (_, name: string) => `from '${pathToFileURL(path.join(native, name)).href}'`,
    );
    const copy = path.join(folder, path.basename(file));
    writeFileSync(copy, resolved);
    const { stdout } = await promisify(execFile)(process.execPath, [copy]);
    expect(stdout.trimEnd().split('\n')).toEqual(promises(source));
  });

  it('its examples compile as strictly as the code', () => {
    const { config } = ts.readConfigFile(path.join(root, 'tsconfig.json'), (name) =>
      readFileSync(name, 'utf8'),
    ) as { config: { compilerOptions: object } };
    const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
    const host = ts.createCompilerHost(options);
    const sources = new Map(examples.map(({ file, source }) => [file, source]));
    const { fileExists, readFile } = host;
    host.fileExists = (name) => sources.has(name) || fileExists(name);
    host.readFile = (name) => sources.get(name) ?? readFile(name);
    const getSourceFile = host.getSourceFile.bind(host);
    host.getSourceFile = (name, ...rest) =>
      sources.has(name)
        ? ts.createSourceFile(name, sources.get(name)!, ts.ScriptTarget.ES2024, true)
        : getSourceFile(name, ...rest);
    const program = ts.createProgram([...sources.keys()], options, host);
    const problems = ts.getPreEmitDiagnostics(program).map(({ file, messageText }) => {
      const where = file === undefined ? '' : path.basename(file.fileName);
      return `${where}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
    });
    expect(problems).toEqual([]);
    // The compiler reads all types of Node first.
  }, 120_000);

  it('names everything that index.ts exports', () => {
    const missing = Object.keys(addon).filter((name) => !page.includes(`${name}`));
    expect(missing).toEqual([]);
  });

  it('names every value that a frame or a tensor may take', () => {
    const contract = readFileSync(path.join(root, 'component/contract/tensor.ts'), 'utf8');
    const choices = ['ResizeMode', 'Interpolation', 'ColourOrder', 'TensorLayout'].flatMap((type) =>
      literals(new RegExp(`type ${type} =([^;]*);`), contract),
    );
    expect(choices.length).toBeGreaterThanOrEqual(13);
    const values = [...RAW_PIXEL_FORMATS, ...choices, ...PICTURE_DTYPES];
    expect(values.filter((value) => !page.includes(`\`${value}\``))).toEqual([]);
  });
});

/** The string literals in what a pattern's first group finds. */
function literals(pattern: RegExp, text: string): string[] {
  const found = pattern.exec(text)?.[1] ?? '';
  return [...found.matchAll(/'([^']+)'/g)].map(([, value]) => value!);
}
