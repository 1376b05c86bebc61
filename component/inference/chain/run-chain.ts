import { FRAME_INPUT } from '../../contract/chain-config.ts';
import type { ChainConfig, ChainStepConfig } from '../../contract/chain-config.ts';
import { VedetteError } from '../../contract/errors.ts';
import type { InferenceAnswer, InferenceRequest, PictureSource } from '../../contract/ports.ts';
import type {
  ChainStepReport,
  Detection,
  Findings,
  ModelIdentity,
  TextLine,
} from '../../contract/result.ts';
import type { TilingConfig } from '../../contract/tiling-config.ts';
import type { ModelHost } from '../model-host.ts';
import { inferTiled } from '../tiling/infer-tiled.ts';
import { cropsOf, turnedView } from './crop-views.ts';
import type { Crop } from './crop-views.ts';

/** A step with the model that it runs. */
export interface ChainStep {
  readonly name: string;
  readonly config: ChainStepConfig;
  readonly host: ModelHost;
}

/** What a chain found: that of its first step, with what the others found in its parts. */
export type ChainAnswer = Omit<InferenceAnswer, 'model'> & {
  readonly steps: Readonly<Record<string, ChainStepReport>>;
  /** Of the steps that ran, by name. */
  readonly identities: ReadonlyMap<string, ModelIdentity>;
};

export const firstStep = ({ steps }: ChainConfig): string =>
  Object.keys(steps).find((name) => steps[name]!.input === FRAME_INPUT) ?? '';

/**
 * One frame through the steps of a chain: the first sees the frame, each further one the crops of what
 * the step before it found, in one request of its model. A step without crops is not run.
 * @throws VedetteError of the step's model; the message and `details.step` name the step
 */
export async function runChain(
  steps: ReadonlyMap<string, ChainStep>,
  first: ChainStep,
  {
    request,
    tiling,
  }: { readonly request: InferenceRequest; readonly tiling: TilingConfig | undefined },
): Promise<ChainAnswer> {
  const reports: Record<string, ChainStepReport> = {};
  const identities = new Map<string, ModelIdentity>();
  const score = request.thresholds.score ?? first.config.scoreThreshold;
  const seen = await ofStep(first, () =>
    inferTiled(
      first.host,
      {
        ...request,
        image: own(request.image),
        thresholds: { ...request.thresholds, score },
      },
      tiling,
    ),
  );
  identities.set(first.name, seen.model);
  reports[first.name] = { crops: 1, cropsLeftOut: 0, ...seen.timings };
  const { findings, picture } = seen;
  for (const step of after(first.name)) {
    await runOn(step, cropsOf(findings, step.config, request.view, picture));
  }
  const order = [...steps.keys()].filter((name) => reports[name]);
  return {
    ...seen,
    findings,
    timings: order.map((name): Times => reports[name]!).reduce(added),
    steps: Object.fromEntries(order.map((name) => [name, reports[name]!])),
    identities,
  };

  function after(name: string): ChainStep[] {
    return [...steps.values()].filter(({ config }) => config.input === name);
  }

  async function runOn(
    step: ChainStep,
    { crops, leftOut }: { readonly crops: readonly Crop[]; readonly leftOut: number },
  ): Promise<void> {
    if (crops.length === 0) {
      reports[step.name] = { crops: 0, cropsLeftOut: leftOut, ...NO_TIME };
      // The steps behind have nothing either, which their reports say.
      for (const next of after(step.name)) await runOn(next, { crops: [], leftOut: 0 });
      return;
    }
    const answer = await ofStep(step, () =>
      step.host.inferRegions({
        image: own(request.image),
        views: crops.map(({ view }) => view),
        thresholds: { score: step.config.scoreThreshold, labels: {} },
        wantsAnomalyMap: false,
      }),
    );
    identities.set(step.name, answer.model);
    const report = { crops: crops.length, cropsLeftOut: leftOut, ...answer.timings };
    reports[step.name] = report;
    const regions = answer.regions.map((region) => region.findings);
    if (decoderOf(step) === 'text-direction') {
      const onward = crops.map((crop, index) => turned(crop, regions[index]!, step.config));
      const cropsTurned = onward.filter((crop, index) => crop !== crops[index]).length;
      reports[step.name] = { ...report, cropsTurned };
      for (const next of after(step.name)) await runOn(next, limited(onward, next.config));
      return;
    }
    regions.forEach((region, index) => attach(crops[index]!.owner, step, region));
    for (const next of after(step.name)) {
      const parts = regions.map((region, index) =>
        cropsOf(region, next.config, crops[index]!.view, picture),
      );
      const all = parts.flatMap((part) => part.crops);
      const kept = limited(all, next.config);
      const left = parts.reduce((sum, part) => sum + part.leftOut, 0);
      await runOn(next, { crops: kept.crops, leftOut: left + kept.leftOut });
    }
  }
}

const NO_TIME = { queueMs: 0, preprocessMs: 0, runMs: 0, decodeMs: 0 };

export const decoderOf = ({ host }: ChainStep): string | undefined =>
  host.package?.manifest.output.decoder;

/** Bytes are moved to a worker with each request, so that every step needs its own. */
const own = (image: PictureSource): PictureSource =>
  image.kind === 'frame' ? image : { kind: 'encoded', data: image.data.slice() };

async function ofStep<T>({ name, host }: ChainStep, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (thrown) {
    const error = VedetteError.from(thrown);
    throw new VedetteError(error.code, `step '${name}' (${host.name}): ${error.message}`, {
      cause: error,
      details: { ...error.details, step: name, model: host.name },
    });
  }
}

type Times = InferenceAnswer['timings'];

const added = (a: Times, b: Times): Times => ({
  queueMs: a.queueMs + b.queueMs,
  preprocessMs: a.preprocessMs + b.preprocessMs,
  runMs: a.runMs + b.runMs,
  decodeMs: a.decodeMs + b.decodeMs,
});

/** The best `maxCrops`, of all findings of a frame together. */
function limited(crops: readonly Crop[], { maxCrops }: ChainStepConfig) {
  const best = new Set([...crops].sort((a, b) => b.owner.score - a.owner.score).slice(0, maxCrops));
  return {
    crops: crops.filter((crop) => best.has(crop)),
    leftOut: crops.length - best.size,
  };
}

function turned(crop: Crop, { classes = [] }: Findings, { turnAt }: ChainStepConfig): Crop {
  const [best] = classes;
  if (best?.label !== '180' || best.score < turnAt) return crop;
  return { ...crop, view: turnedView(crop.view) };
}

/** What was read of a line is the line's text; everything else stands under the step's name. */
function attach(owner: Detection | TextLine, step: ChainStep, findings: Findings): void {
  const [read] = findings.text ?? [];
  if (!('box' in owner) && decoderOf(step) === 'text-recognition') {
    if (read?.text === undefined) return;
    owner.text = read.text;
    owner.score = read.score;
    return;
  }
  owner.attributes = { ...owner.attributes, [step.name]: { ...findings } };
}
