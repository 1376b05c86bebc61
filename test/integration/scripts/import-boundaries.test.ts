import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const CRUISER = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs');

/** One violation of each kind: what it breaks, and the files that break it. */
const PLANTED: { kind: string; rule: string; from: string; text: string }[] = [
  {
    kind: 'contract importing another package than zod',
    rule: 'contract-imports-only-zod',
    from: 'component/contract/planted-package.ts',
    text: "import pino from 'pino';\nexport const log = pino();\n",
  },
  {
    kind: 'contract importing a module of Node',
    rule: 'contract-imports-only-zod',
    from: 'component/contract/planted-builtin.ts',
    text: "import { readFileSync } from 'node:fs';\nexport const read = readFileSync;\n",
  },
  {
    kind: 'component importing local-server, if only a type',
    rule: 'component-never-imports-local-server',
    from: 'component/pipeline/planted-server.ts',
    text: "import type { Planted } from '../../local-server/planted-target.ts';\nexport type P = Planted;\n",
  },
  {
    kind: 'an import upwards',
    rule: 'no-import-upwards-from-camera-decode-delivery',
    from: 'component/camera/planted-upwards.ts',
    text: "import { target } from '../pipeline/planted-target.ts';\nexport const up = target;\n",
  },
  {
    kind: 'an import upwards to the top',
    rule: 'no-import-upwards-from-local-server-commands',
    from: 'local-server/planted-upwards.ts',
    text: "import '../component/main.ts';\nexport const up = 1;\n",
  },
  {
    kind: 'a second importer of SQLite',
    rule: 'single-importer-of-sqlite',
    from: 'component/delivery/planted-sqlite.ts',
    text: "import Database from 'better-sqlite3';\nexport const open = Database;\n",
  },
  {
    kind: 'a second importer of ONNX Runtime',
    rule: 'single-importer-of-onnxruntime',
    from: 'component/inference/planted-session.ts',
    text: "import { InferenceSession } from 'onnxruntime-node';\nexport const S = InferenceSession;\n",
  },
  {
    kind: 'a second importer of the addon',
    rule: 'single-importer-of-addon',
    from: 'component/camera/planted-addon.cts',
    text: "const addon = require('../../build/Release/vedette.node');\nexport = addon;\n",
  },
  {
    kind: 'a second user of createRequire',
    rule: 'single-importer-of-create-require',
    from: 'component/camera/planted-require.ts',
    text: "import { createRequire } from 'node:module';\nexport const r = createRequire('/');\n",
  },
  {
    kind: 'two files that import each other',
    rule: 'no-cycle',
    from: 'component/decode/planted-a.ts',
    text: "import { b } from './planted-b.ts';\nexport const a = (): number => b();\n",
  },
  {
    kind: 'a device file importing the publisher',
    rule: 'nothing-imports-the-publisher',
    from: 'local-server/planted-publisher.ts',
    text: "import { target } from '../cloud-publisher/planted-target.ts';\nexport const t = target;\n",
  },
  {
    kind: 'the publisher reaching into the device',
    rule: 'publisher-imports-little-of-the-device',
    from: 'cloud-publisher/planted-device.ts',
    text: "import { target } from '../component/pipeline/planted-target.ts';\nexport const t = target;\n",
  },
  {
    kind: 'the publisher running models by another door than the probe',
    rule: 'publisher-imports-little-of-the-device',
    from: 'cloud-publisher/planted-session.ts',
    text: "import { target } from '../component/inference/planted-target.ts';\nexport const t = target;\n",
  },
  {
    kind: 'a device command in the publisher outside cli.ts',
    rule: 'publisher-commands-in-cli-only',
    from: 'cloud-publisher/commands/planted-command.ts',
    text: "import { target } from '../../component/commands/planted-target.ts';\nexport const t = target;\n",
  },
  {
    kind: "the device's whole program in the publisher outside cli.ts",
    rule: 'publisher-commands-in-cli-only',
    from: 'cloud-publisher/planted-program.ts',
    text: "import { target } from '../component/device-program.ts';\nexport const t = target;\n",
  },
  {
    kind: 'a second importer of kysely',
    rule: 'single-importer-of-kysely',
    from: 'cloud-publisher/planted-kysely.ts',
    text: "import { sql } from 'kysely';\nexport const s = sql;\n",
  },
  {
    kind: 'a call of S3 outside the artifact store',
    rule: 'single-importer-of-aws-s3',
    from: 'cloud-publisher/planted-s3.ts',
    text: "import { S3Client } from '@aws-sdk/client-s3';\nexport const c = S3Client;\n",
  },
  {
    kind: 'a call of Greengrass outside its gateway',
    rule: 'single-importer-of-aws-greengrass',
    from: 'cloud-publisher/planted-greengrass.ts',
    text: "import { GreengrassV2Client } from '@aws-sdk/client-greengrassv2';\nexport const c = GreengrassV2Client;\n",
  },
  {
    kind: 'a forgotten file',
    rule: 'no-orphan',
    from: 'component/decode/planted-orphan.ts',
    text: 'export const nobody = 1;\n',
  },
  {
    kind: 'an import of what does not exist',
    rule: 'no-unresolvable',
    from: 'component/decode/planted-missing.ts',
    text: "import { gone } from './planted-gone.ts';\nexport const g = gone;\n",
  },
  {
    kind: 'a shipped file importing a development package',
    rule: 'no-dev-dependency-in-product',
    from: 'component/decode/planted-dev.ts',
    text: "import fc from 'fast-check';\nexport const c = fc;\n",
  },
  {
    kind: 'a shipped file importing a test',
    rule: 'product-never-imports-tests-or-scripts',
    from: 'component/decode/planted-script.ts',
    text: "import { target } from '../../scripts/planted-target.ts';\nexport const t = target;\n",
  },
];

const TARGETS: Record<string, string> = {
  'local-server/planted-target.ts': 'export interface Planted { readonly x: number }\n',
  'component/pipeline/planted-target.ts': 'export const target = 1;\n',
  'cloud-publisher/planted-target.ts': 'export const target = 1;\n',
  'component/inference/planted-target.ts': 'export const target = 1;\n',
  'component/inference/run-probe.ts': 'export const target = 1;\n',
  'component/commands/planted-target.ts': 'export const target = 1;\n',
  'component/device-program.ts': 'export const target = 1;\n',
  'cloud-publisher/cli.ts':
    "import { target } from '../component/commands/planted-target.ts';\nimport { target as program } from '../component/device-program.ts';\nimport { probe } from './prepare/planted-probe.ts';\nexport const all = [target, program, probe];\n",
  'cloud-publisher/prepare/planted-probe.ts':
    "import { target } from '../../component/inference/run-probe.ts';\nexport const probe = target;\n",
  'scripts/planted-target.ts': 'export const target = 1;\n',
  'component/main.ts': 'export const main = 1;\n',
  'component/decode/planted-b.ts':
    "import { a } from './planted-a.ts';\nexport const b = (): number => a();\n",
  'build/Release/vedette.node': '',
};

const FOLDERS = ['component', 'native', 'local-server', 'cloud-publisher', 'scripts'];
let violations: { rule: { name: string }; from: string }[] = [];
let folder = '';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vedette-boundaries-'));
  for (const name of ['.dependency-cruiser.cjs', 'tsconfig.json', 'package.json']) {
    cpSync(join(root, name), join(folder, name));
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  const files = {
    ...TARGETS,
    ...Object.fromEntries(PLANTED.map(({ from, text }) => [from, text])),
  };
  for (const name of FOLDERS) mkdirSync(join(folder, name), { recursive: true });
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const report = await new Promise<string>((resolve) => {
    const args = [CRUISER, '--output-type=json', ...FOLDERS];
    // Violations make its exit code non-zero; the report is what counts.
    execFile(process.execPath, args, { cwd: folder, maxBuffer: 1e8 }, (_error, stdout) =>
      resolve(stdout),
    );
  });
  violations = JSON.parse(report).summary.violations;
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the import boundaries', () => {
  it.each(PLANTED)('report $kind', ({ rule, from }) => {
    expect(
      violations.filter((found) => found.from === from).map((found) => found.rule.name),
    ).toContain(rule);
  });

  it('leave alone what is allowed', () => {
    const planted = PLANTED.map(({ from }) => from);
    const others = violations.filter(
      (found) => found.from in TARGETS && !planted.includes(found.from),
    );
    expect(others.map((found) => found.rule.name).filter((name) => name !== 'no-cycle')).toEqual(
      [],
    );
  });
});
