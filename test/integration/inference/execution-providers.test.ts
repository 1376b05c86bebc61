import { spawn } from 'node:child_process';
import {
  copyFile,
  mkdir,
  mkdtemp,
  realpath,
  rm,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { VedetteError } from '../../../component/contract/errors.ts';
import { WHOLE_FRAME } from '../../../component/contract/frame.ts';
import type { ModelConfig } from '../../../component/contract/model-config.ts';
import { ModelHost } from '../../../component/inference/model-host.ts';
import {
  RuntimeLibrary,
  libraryContent,
} from '../../../component/inference/execution/runtime-library.ts';
import { encodeJpeg } from '../../../native/index.ts';
import { ModelPackages, batchModel, modelConfig } from '../../support/model-packages.ts';

const root = join(import.meta.dirname, '../../..');
const libraries = join(root, 'node_modules/onnxruntime-node/bin/napi-v6/linux');
const own = join(libraries, process.arch, 'libonnxruntime.so.1');

let packages: ModelPackages;
let folder: string;
beforeAll(async () => {
  packages = await ModelPackages.create();
  folder = await realpath(await mkdtemp(join(tmpdir(), 'vedette-runtime-')));
});
afterAll(async () => {
  await packages.close();
  await rm(folder, { recursive: true, force: true });
});

async function libraryFolder(name: string): Promise<string> {
  await mkdir(join(folder, name));
  return join(folder, name);
}

async function refusal(library: RuntimeLibrary): Promise<VedetteError> {
  const error: unknown = await library.file().then(
    (file) => new Error(`${file} was accepted`),
    (thrown: unknown) => thrown,
  );
  if (error instanceof VedetteError) return error;
  throw error;
}

/** Builds a shared library from C, named inside as `soname`. */
async function build(file: string, source: string, soname: string): Promise<void> {
  await writeFile(`${file}.c`, source);
  const compiler = spawn(
    'gcc',
    ['-shared', '-fPIC', `-Wl,-soname,${soname}`, '-o', file, `${file}.c`],
    {
      stdio: 'inherit',
    },
  );
  const code = await new Promise((resolve) => compiler.once('exit', resolve));
  expect(code).toBe(0);
}

const OTHER_VERSION = `
  static const char* version(void) { return "1.22.0"; }
  static const void* api(unsigned v) { return 0; }
  static struct { const void* (*a)(unsigned); const char* (*v)(void); } base = { api, version };
  const void* OrtGetApiBase(void) { return &base; }
`;
const CRASHING = `
  __attribute__((constructor)) static void boom(void) { *(volatile int*)0 = 1; }
`;

describe('the folder of an ONNX Runtime library', () => {
  test('with a copy of the library is used by workers, and nothing else of it is mapped', async () => {
    const copies = await libraryFolder('copy');
    await copyFile(own, join(copies, 'libonnxruntime.so.1.30.0'));
    await symlink('libonnxruntime.so.1.30.0', join(copies, 'libonnxruntime.so.1'));
    const model = await packages.add(batchModel());
    // In a process of its own: onnxruntime-node is bound once in a process.
    const program = `
      const { ModelHost } = await import('./component/inference/model-host.ts');
      const { RuntimeLibrary } = await import('./component/inference/execution/runtime-library.ts');
      const { mappedRuntimes } = await import('./component/inference/execution/use-runtime-library.ts');
      const { modelConfigSchema } = await import('./component/contract/model-config.ts');
      const { encodeJpeg } = await import('./native/index.ts');
      const host = new ModelHost({
        name: 'brightness',
        config: modelConfigSchema.parse({ package: ${JSON.stringify(model)}, workers: 2 }),
        maxImagePixels: 1_000_000,
        trust: { isTrusted: async () => false, record: async () => undefined },
        library: new RuntimeLibrary(${JSON.stringify(copies)}),
        onChange: () => undefined,
        onFault: (fault) => console.error(fault),
      });
      await host.start();
      const pixels = new Uint8Array(192).fill(102);
      const data = encodeJpeg({ format: 'rgb24', width: 8, height: 8, data: pixels }, 90);
      const answer = await host.infer({
        image: { kind: 'encoded', data },
        view: { rotation: 0, flip: 'none' },
        thresholds: { labels: {} },
        wantsAnomalyMap: false,
      });
      console.log(JSON.stringify({ mapped: mappedRuntimes(), answer }));
      await host.close(4000);
    `;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    let output = '';
    child.stdout.on('data', (text: Buffer) => (output += text.toString()));
    await new Promise((resolve) => child.once('close', resolve));
    const { mapped, answer } = JSON.parse(output) as {
      mapped: string[];
      answer: { findings: { anomaly: { score: number } }; model: { executionProvider: string } };
    };
    expect(mapped).toEqual([join(copies, 'libonnxruntime.so.1.30.0')]);
    expect(answer.findings.anomaly.score).toBeCloseTo(0.4, 2);
    expect(answer.model.executionProvider).toBe('cpu');
  });

  test('that another configuration names is refused while the process is bound to the first one, and to none of its own', async () => {
    const copies = await libraryFolder('first');
    const others = await libraryFolder('second');
    for (const place of [copies, others]) await copyFile(own, join(place, 'libonnxruntime.so.1'));
    const model = await packages.add(batchModel());
    const program = `
      const { ModelHost } = await import('./component/inference/model-host.ts');
      const { RuntimeLibrary } = await import('./component/inference/execution/runtime-library.ts');
      const { modelConfigSchema } = await import('./component/contract/model-config.ts');
      const said = [];
      for (const folder of JSON.parse(process.argv[1])) {
        const host = new ModelHost({
          name: 'brightness',
          config: modelConfigSchema.parse({ package: ${JSON.stringify(model)}, workers: 1 }),
          maxImagePixels: 1_000_000,
          trust: { isTrusted: async () => true, record: async () => undefined },
          ...(folder === null ? {} : { library: new RuntimeLibrary(folder) }),
          onChange: () => undefined,
          onFault: () => undefined,
        });
        await host.start();
        const { state, reason } = host.status();
        said.push(state + (reason ? ' ' + reason.code + ' ' + reason.message : ''));
        await host.close(4000);
      }
      console.log(JSON.stringify(said));
    `;
    const folders = JSON.stringify([copies, others, null, copies]);
    const child = spawn(process.execPath, ['--input-type=module', '--eval', program, folders], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    let output = '';
    child.stdout.on('data', (text: Buffer) => (output += text.toString()));
    await new Promise((resolve) => child.once('close', resolve));
    const refused = (text: string) =>
      expect.stringMatching(
        new RegExp(`^failed RUNTIME_LIBRARY_INVALID ${text}.*/first/.*restart the component`),
      ) as string;
    expect(JSON.parse(output)).toEqual([
      'ready',
      refused(join(others, 'libonnxruntime.so.1')),
      refused('the ONNX Runtime that Vedette brings'),
      'ready',
    ]);
  });

  test('is tried again when its files are others', async () => {
    const place = await libraryFolder('updated');
    const file = join(place, 'libonnxruntime.so.1');
    await copyFile(own, file);
    const library = new RuntimeLibrary(place);
    expect(await library.file()).toBe(file);
    const before = await libraryContent(file);
    await rm(file);
    await build(file, OTHER_VERSION, 'libonnxruntime.so.1');
    expect((await refusal(library)).message).toMatch(/it is ONNX Runtime 1\.22\.0/);
    expect(await libraryContent(file)).not.toBe(before);
    await rm(file);
    await copyFile(own, file);
    expect(await library.file()).toBe(file);
  });

  test('that is not there, or has no library, is refused by name', async () => {
    const nowhere = await refusal(new RuntimeLibrary(join(folder, 'nowhere')));
    expect(nowhere).toMatchObject({ code: 'RUNTIME_LIBRARY_INVALID' });
    expect(nowhere.message).toMatch(/nowhere cannot be used: the folder does not exist/);
    const empty = await libraryFolder('empty');
    await writeFile(join(empty, 'libonnxruntime_providers_cuda.so'), '');
    expect((await refusal(new RuntimeLibrary(empty))).message).toMatch(
      /expected a folder with libonnxruntime\.so\.1 .* it has libonnxruntime_providers_cuda\.so/,
    );
  });

  test('with garbage, half a library, one for another machine, an older version, one that crashes or another name is refused; the process lives', async () => {
    const cases: [string, (file: string) => Promise<void>, RegExp][] = [
      ['garbage', (file) => writeFile(file, 'no library'), /it is no shared library \(ELF\)/],
      [
        'half',
        async (file) => {
          await copyFile(own, file);
          await truncate(file, 1_000_000);
        },
        /dynamic linker refused it|the process that tried it was ended by/,
      ],
      [
        'foreign',
        (file) =>
          copyFile(
            join(libraries, process.arch === 'x64' ? 'arm64' : 'x64', 'libonnxruntime.so.1'),
            file,
          ),
        /it is for (arm64|x64), this one is (x64|arm64)/,
      ],
      [
        'older',
        (file) => build(file, OTHER_VERSION, 'libonnxruntime.so.1'),
        /it is ONNX Runtime 1\.22\.0, expected 1\.30\.0/,
      ],
      ['crashing', (file) => build(file, CRASHING, 'libonnxruntime.so.1'), /was ended by SIGSEGV/],
      [
        'no-runtime',
        (file) => build(file, 'int nothing;', 'libonnxruntime.so.1'),
        /it has no function OrtGetApiBase/,
      ],
      [
        'renamed',
        (file) => build(file, OTHER_VERSION.replace('1.22.0', '1.30.0'), 'libother.so.1'),
        /name inside of the library \(SONAME\) must be libonnxruntime\.so\.1/,
      ],
    ];
    for (const [name, make, expected] of cases) {
      const place = await libraryFolder(name);
      await make(join(place, 'libonnxruntime.so.1'));
      const error = await refusal(new RuntimeLibrary(place));
      expect(error.code, name).toBe('RUNTIME_LIBRARY_INVALID');
      expect(error.message, name).toMatch(expected);
    }
  });

  test('that cannot be used fails the model with the reason, and the runtime goes on', async () => {
    const host = await hostOf({}, { library: new RuntimeLibrary(join(folder, 'nowhere')) });
    expect(host.status()).toMatchObject({
      state: 'failed',
      reason: { code: 'RUNTIME_LIBRARY_INVALID' },
    });
  });
});

async function hostOf(
  more: Partial<ModelConfig>,
  { library, faults = [] }: { library?: RuntimeLibrary; faults?: VedetteError[] } = {},
): Promise<ModelHost> {
  const host = new ModelHost({
    name: 'brightness',
    config: modelConfig(await packages.add(batchModel()), more),
    maxImagePixels: 1_000_000,
    trust: { isTrusted: () => Promise.resolve(false), record: () => Promise.resolve() },
    ...(library ? { library } : {}),
    onChange: () => undefined,
    onFault: (fault) => faults.push(fault),
  });
  onTestFinished(async () => void (await host.close(4000)));
  await host.start();
  return host;
}

async function judge(host: ModelHost) {
  const pixels = new Uint8Array(192).fill(102);
  const data = encodeJpeg({ format: 'rgb24', width: 8, height: 8, data: pixels }, 90);
  const image = { kind: 'encoded', data } as const;
  return host.infer({
    image,
    view: WHOLE_FRAME,
    thresholds: { labels: {} },
    wantsAnomalyMap: false,
  });
}

describe('execution providers', () => {
  test('that are preferred and cannot be had are told of, and the CPU answers by name', async () => {
    const faults: VedetteError[] = [];
    const executionProviders = [
      { name: 'xnnpack', use: 'preferred' },
      { name: 'cuda', use: 'preferred' },
      { name: 'cpu', use: 'required' },
    ] as const;
    const host = await hostOf({ executionProviders: [...executionProviders] }, { faults });
    expect((await judge(host)).model.executionProvider).toBe('cpu');
    expect(host.status()).toMatchObject({
      state: 'ready',
      identity: { executionProvider: 'cpu' },
    });
    expect(faults.map(({ code }) => code)).toEqual([
      'EXECUTION_PROVIDER_UNAVAILABLE',
      'EXECUTION_PROVIDER_UNAVAILABLE',
    ]);
    expect(faults[0]!.message).toMatch(/'xnnpack' cannot be used: .* can only ask for cpu/);
    expect(faults[1]!.message).toMatch(/'cuda' cannot be used/);
  });

  test.each(['cuda', 'openvino', 'qnn', 'tensorrt'] as const)(
    'that are required and cannot be had fail the model: %s',
    async (name) => {
      const host = await hostOf({ executionProviders: [{ name, use: 'required' }] });
      const { state, reason } = host.status();
      expect(state).toBe('failed');
      expect(reason).toMatchObject({ code: 'EXECUTION_PROVIDER_UNAVAILABLE' });
      expect(reason!.message).toContain(`execution provider '${name}' cannot be used`);
    },
  );

  test('behind the CPU are never reached, also when they are required', async () => {
    const faults: VedetteError[] = [];
    const executionProviders = [
      { name: 'cpu', use: 'required' },
      { name: 'cuda', use: 'required' },
    ] as const;
    const host = await hostOf({ executionProviders: [...executionProviders] }, { faults });
    expect(host.status().state).toBe('ready');
    expect(faults).toEqual([]);
  });
});
