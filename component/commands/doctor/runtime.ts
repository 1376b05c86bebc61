import type { CameraStatus, ModelStatus, Notice } from '../../contract/ports.ts';
import { VedetteError } from '../../contract/errors.ts';
import { CheckResults, type Check, type CheckResult } from './check.ts';

const results = new CheckResults('runtime');

/** What the runtime says of itself: models, cameras, and what an operator should know. */
export const checkRuntime: Check = async ({ client, running, config }) => {
  if (!client) {
    const says = running
      ? 'The runtime runs, but its token may not be read by this user'
      : `No runtime runs on ${config.dataFolder}`;
    const remedy = running
      ? 'Ask as the user that runs Vedette, or with sudo.'
      : 'See its log: journalctl -t io.vedette.EdgeRuntime (lite), logs/io.vedette.EdgeRuntime.log (classic), journalctl -u vedette.';
    return [running ? results.warning(says, remedy) : results.fault(says, remedy)];
  }
  try {
    const [models, cameras, notices] = await Promise.all([
      client.get<{ items: ModelStatus[] }>('/api/v1/models'),
      client.get<{ items: CameraStatus[] }>('/api/v1/cameras'),
      client.get<{ items: Notice[] }>('/api/v1/notices'),
    ]);
    const problems = [
      ...models.items.flatMap(problemOfModel),
      ...cameras.items.flatMap(problemOfCamera),
      ...notices.items.filter(({ level }) => level !== 'info').map(ofNotice),
    ];
    if (problems.length > 0) return problems;
    const count = `${models.items.length} models, ${cameras.items.length} cameras`;
    return [results.ok(`The runtime answers: ${count}, nothing amiss`)];
  } catch (thrown) {
    const { message, remedy } = VedetteError.from(thrown);
    return [results.fault(`The runtime does not answer: ${message}`, remedy)];
  }
};

function problemOfModel({ name, state, reason }: ModelStatus): CheckResult[] {
  if (state !== 'failed') return [];
  const error = reason && VedetteError.deserialize(reason);
  const says = `Model ${name} failed: ${error?.message ?? 'no reason is known'}`;
  return [results.fault(says, error?.remedy ?? 'See the log.', { model: name, code: error?.code })];
}

function problemOfCamera({ name, state, reason }: CameraStatus): CheckResult[] {
  if (reason === undefined || state === 'running' || state === 'disabled') return [];
  const { message, remedy, code } = VedetteError.deserialize(reason);
  return [results.fault(`Camera ${name} is ${state}: ${message}`, remedy, { camera: name, code })];
}

function ofNotice({ level, error, atMs }: Notice): CheckResult {
  const { message, remedy, code } = VedetteError.deserialize(error);
  const facts = { code, at: new Date(atMs).toISOString() };
  return level === 'error'
    ? results.fault(message, remedy, facts)
    : results.warning(message, remedy, facts);
}
