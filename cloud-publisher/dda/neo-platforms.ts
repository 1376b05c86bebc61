/** What SageMaker Neo compiles for. */
export interface NeoPlatform {
  readonly os: 'LINUX';
  readonly architecture: 'ARM64' | 'X86_64';
  readonly accelerator?: 'NVIDIA';
  readonly compilerOptions?: Readonly<Record<string, string>>;
}

/** Of TensorRT as LocalServer has it; 2 GiB of workspace. */
const TENSORRT = {
  'cuda-ver': '10.2',
  'trt-ver': '8.2.1',
  'max-workspace-size': '2147483648',
  'precision-mode': 'fp16',
} as const;

/**
 * The targets that DDA's portal has compiled by Neo, with its options. JetPack 5 and later have
 * newer CUDA and TensorRT than these: an engine of Neo does not load there.
 */
export const NEO_PLATFORMS: ReadonlyMap<string, NeoPlatform> = new Map<string, NeoPlatform>([
  [
    'jetson-xavier',
    {
      os: 'LINUX',
      architecture: 'ARM64',
      accelerator: 'NVIDIA',
      compilerOptions: { ...TENSORRT, 'gpu-code': 'sm_72', 'jetson-platform': 'xavier' },
    },
  ],
  ['arm64-cpu', { os: 'LINUX', architecture: 'ARM64' }],
  ['x86_64-cpu', { os: 'LINUX', architecture: 'X86_64' }],
  [
    'x86_64-cuda',
    {
      os: 'LINUX',
      architecture: 'X86_64',
      accelerator: 'NVIDIA',
      compilerOptions: { ...TENSORRT, 'gpu-code': 'sm_75' },
    },
  ],
]);

/** Why targets cannot be compiled for, all of it. */
export const compilationProblems = (targets: readonly string[]): string[] =>
  targets
    .filter((target) => !NEO_PLATFORMS.has(target))
    .map(
      (target) =>
        `target '${target}' cannot be compiled for by SageMaker Neo, which does ${[...NEO_PLATFORMS.keys()].join(', ')}: give --compiled ${target}=<archive>, or publish an ONNX model`,
    );
