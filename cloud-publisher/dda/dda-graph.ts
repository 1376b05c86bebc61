import { z } from 'zod';
import { describeIssues } from '../../component/inference/package/read-json.ts';

const stage = z.looseObject({
  type: z
    .string()
    .regex(/^(?!\.{1,2}$)[A-Za-z0-9._-]{1,128}$/, 'a name of letters, digits, dots, _ and -'),
  threshold: z.number(),
  image_range_scale: z.boolean(),
  normalize: z.boolean(),
  input_shape: z.array(z.int()).optional(),
});

const STAGES_OF = {
  single_stage_model_graph: 1,
  two_stage_model_graph: 2,
  two_stage_model_graph_bbox: 2,
} as const;

const graphSchema = z.looseObject({
  model_graph_type: z.enum([
    'single_stage_model_graph',
    'two_stage_model_graph',
    'two_stage_model_graph_bbox',
  ]),
  stages: z.array(z.looseObject({})).min(1),
});

export type ModelGraph = Readonly<Record<string, unknown>>;

/** Stage type of a graph that DDA's LocalServer would load; why it would not is pushed. */
export function stageTypeOf(graph: unknown, problems: string[]): string | undefined {
  const parsed = graphSchema.safeParse(graph);
  if (!parsed.success) {
    problems.push(...describeIssues(parsed.error, 'model_graph').map((text) => inGraph(text)));
    return undefined;
  }
  const { model_graph_type: type, stages } = parsed.data;
  if (stages.length !== STAGES_OF[type]) {
    problems.push(`model_graph: ${type} has ${STAGES_OF[type]} stages, found ${stages.length}`);
  }
  if (STAGES_OF[type] > 1) {
    problems.push(`model_graph: ${type} cannot be packed: a package has one stage's folder`);
  }
  const first = stage.safeParse(stages[0]);
  if (first.success) return first.data.type;
  problems.push(
    ...describeIssues(first.error, 'stage').map((text) => `model_graph.stages[0].${text}`),
  );
  return undefined;
}

const inGraph = (text: string): string =>
  text.startsWith('model_graph') ? text : `model_graph.${text}`;

/** `[1, 3, H, W]`: of the manifest, else of its first stage; DDA's portal looks in both. */
export function inputShapeOf(manifest: ModelGraph, problems: string[]): number[] | undefined {
  const graph = manifest['model_graph'] as
    { stages?: readonly { input_shape?: unknown }[] } | undefined;
  const shape = manifest['input_shape'] ?? graph?.stages?.[0]?.input_shape;
  const parsed = z.array(z.int().min(1)).length(4).safeParse(shape);
  if (parsed.success) return parsed.data;
  problems.push(
    `input_shape is ${JSON.stringify(shape) ?? 'missing'}, expected [1, 3, height, width]`,
  );
  return undefined;
}
