import { CROP_SETTINGS, FRAME_INPUT } from '../contract/chain-config.ts';
import { isMap, mapAt, type ConfigurationTree } from './configuration-layer.ts';
import type { ConfigurationProblem } from './configuration-problem.ts';

const MAX_STEPS = 16;

/** What keeps chains from running though each of their settings is well-formed. */
export function chainProblems(tree: ConfigurationTree): ConfigurationProblem[] {
  const models = Object.keys(mapAt(tree, 'models'));
  return Object.entries(mapAt(tree, 'chains')).flatMap(([name, chain]) => {
    const path = `chains.${name}`;
    const shared = models.includes(name)
      ? [
          {
            path,
            message: 'has the name of a model; cameras and requests could not tell them apart',
          },
        ]
      : [];
    return [...shared, ...(isMap(chain) ? problemsOfSteps(`${path}.steps`, chain, models) : [])];
  });
}

function problemsOfSteps(
  path: string,
  chain: ConfigurationTree,
  models: readonly string[],
): ConfigurationProblem[] {
  const steps = Object.entries(mapAt(chain, 'steps')).filter(
    (entry): entry is [string, ConfigurationTree] => isMap(entry[1]),
  );
  const inputs = new Map(steps.map(([name, step]) => [name, inputOf(step)]));
  const firsts = steps.filter(([name]) => inputs.get(name) === FRAME_INPUT).map(([name]) => name);
  const problems: ConfigurationProblem[] = [];
  if (firsts.length !== 1) {
    const got = firsts.length === 0 ? 'none does' : `${firsts.join(', ')} do`;
    problems.push({ path, message: `exactly one step must take the frame, but ${got}` });
  }
  if (steps.length > MAX_STEPS) {
    problems.push({ path, message: `has ${steps.length} steps, at most ${MAX_STEPS} are run` });
  }
  for (const [name, step] of steps) {
    const own = `${path}.${name}`;
    if (name === FRAME_INPUT) {
      problems.push({
        path: own,
        message: `'${FRAME_INPUT}' is the picture and no name of a step`,
      });
    }
    const model = step['model'];
    if (typeof model === 'string' && !models.includes(model)) {
      const known =
        models.length === 0 ? 'none is configured' : `configured are ${models.join(', ')}`;
      problems.push({
        path: `${own}.model`,
        message: `names the model ${JSON.stringify(model)}, but ${known}`,
      });
    }
    problems.push(...inputProblems(own, name, inputs), ...cropProblems(own, step));
  }
  return problems;
}

const inputOf = (step: ConfigurationTree): string =>
  typeof step['input'] === 'string' ? step['input'] : FRAME_INPUT;

function inputProblems(
  path: string,
  name: string,
  inputs: ReadonlyMap<string, string>,
): ConfigurationProblem[] {
  const input = inputs.get(name)!;
  if (input !== FRAME_INPUT && !inputs.has(input)) {
    const known = [FRAME_INPUT, ...inputs.keys()].join(', ');
    return [
      { path: `${path}.input`, message: `names the step '${input}', but there are ${known}` },
    ];
  }
  const way = [name];
  for (let at = input; at !== FRAME_INPUT && inputs.has(at); at = inputs.get(at)!) {
    if (at === name) {
      const circle = [...way, name].join(' → ');
      return [{ path: `${path}.input`, message: `leads back to the step itself: ${circle}` }];
    }
    // A circle that this step only leads into is told of by the steps in it.
    if (way.includes(at)) return [];
    way.push(at);
  }
  return [];
}

function cropProblems(path: string, step: ConfigurationTree): ConfigurationProblem[] {
  if (inputOf(step) !== FRAME_INPUT) {
    const [low, high] = [Number(step['minScore'] ?? 0), Number(step['maxScore'] ?? 1)];
    if (!(low > high)) return [];
    return [
      { path: `${path}.minScore`, message: `must be at most \`maxScore\` (${high}), got ${low}` },
    ];
  }
  return CROP_SETTINGS.filter((key) => step[key] !== undefined).map((key) => ({
    path: `${path}.${key}`,
    message: 'is about crops, but this step takes the frame: set `input` or leave it out',
  }));
}
