import { VedetteError } from '../../component/contract/errors.ts';

/** Of DDA: LocalServer's component names and the start of model components differ. */
export const DDA_RELEASES = ['2025', '2026'] as const;
export type DdaRelease = (typeof DDA_RELEASES)[number];

/** What DDA's LocalServer runs a model with; `dlr` is SageMaker Neo's. */
export type DdaRuntime = 'dlr' | 'onnx' | 'pytorch';

export interface DdaTarget {
  readonly architecture: 'aarch64' | 'amd64';
  /** By release; absent where that release had no such target. */
  readonly localServer: Readonly<Partial<Record<DdaRelease, string>>>;
  readonly runtimes: readonly DdaRuntime[];
}

const LOCAL_SERVER = 'aws.edgeml.dda.LocalServer';
const ALL: readonly DdaRuntime[] = ['dlr', 'onnx', 'pytorch'];
/** Neo's CUDA ends at 11: JetPack 7 runs ONNX alone. */
const ONNX_ONLY: readonly DdaRuntime[] = ['onnx'];

const jetson = (generation: string, runtimes: readonly DdaRuntime[]): DdaTarget => ({
  architecture: 'aarch64',
  localServer: { '2026': `${LOCAL_SERVER}.arm64${generation}` },
  runtimes,
});
const arm64: DdaTarget = {
  architecture: 'aarch64',
  localServer: { '2025': `${LOCAL_SERVER}.arm64`, '2026': `${LOCAL_SERVER}.arm64JP4` },
  runtimes: ALL,
};
const amd64: DdaTarget = {
  architecture: 'amd64',
  localServer: { '2025': `${LOCAL_SERVER}.amd64`, '2026': `${LOCAL_SERVER}.amd64` },
  runtimes: ALL,
};

/** Every target, what machines it means and which LocalServer its components depend on. */
export const DDA_TARGETS: ReadonlyMap<string, DdaTarget> = new Map([
  ['jetson-xavier', arm64],
  ['jetson-xavier-jp5', jetson('JP5', ALL)],
  ['jetson-xavier-jp6', jetson('JP6', ALL)],
  ['jetson-xavier-jp7', jetson('JP7', ONNX_ONLY)],
  ['onnx-jetson-xavier-jp5', jetson('JP5', ONNX_ONLY)],
  ['onnx-jetson-xavier-jp6', jetson('JP6', ONNX_ONLY)],
  ['onnx-jetson-xavier-jp7', jetson('JP7', ONNX_ONLY)],
  ['arm64-cpu', arm64],
  ['x86_64-cpu', amd64],
  ['x86_64-cuda', amd64],
]);

export interface ResolvedTarget {
  readonly name: string;
  readonly architecture: DdaTarget['architecture'];
  readonly localServer: string;
}

/** What is wrong with targets for a model of this runtime, all of it. */
export function targetProblems(
  names: readonly string[],
  runtime: DdaRuntime,
  release: DdaRelease,
): string[] {
  const problems: string[] = [];
  if (names.length === 0) problems.push(`no target is given, expected ${known(release, runtime)}`);
  for (const name of new Set(names)) {
    const target = DDA_TARGETS.get(name);
    if (!target || target.localServer[release] === undefined) {
      const why = target ? `is not in DDA ${release}` : 'is unknown';
      problems.push(`target '${name}' ${why}, expected ${known(release, runtime)}`);
    } else if (!target.runtimes.includes(runtime)) {
      problems.push(
        `target '${name}' runs ${target.runtimes.join(' or ')} only, this is ${runtime}`,
      );
    }
  }
  return problems;
}

/**
 * Fails closed: DDA once took an unknown target for amd64, and a wrong LocalServer broke the device.
 * @throws VedetteError DDA_TARGET_UNKNOWN
 */
export function resolveTarget(
  name: string,
  runtime: DdaRuntime,
  release: DdaRelease,
): ResolvedTarget {
  const [problem] = targetProblems([name], runtime, release);
  const target = DDA_TARGETS.get(name);
  const localServer = target?.localServer[release];
  if (problem !== undefined || !target || localServer === undefined) {
    throw new VedetteError('DDA_TARGET_UNKNOWN', problem ?? `target '${name}' is unknown`);
  }
  return { name, architecture: target.architecture, localServer };
}

const known = (release: DdaRelease, runtime: DdaRuntime): string =>
  [...DDA_TARGETS]
    .filter(([, one]) => one.localServer[release] !== undefined && one.runtimes.includes(runtime))
    .map(([name]) => name)
    .join(', ');
