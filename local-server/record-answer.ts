import type { FastifyReply } from 'fastify';
import type { OutputRecord } from '../component/contract/output.ts';
import type { InferenceResult } from '../component/contract/result.ts';
import type { EdgeRuntime } from '../component/edge-runtime.ts';

/** What answers are recorded as among the outputs. None that is configured can have a name with a space. */
const HTTP_ANSWER = 'http answer';

/**
 * Has it recorded whether who triggered over HTTP got the verdict, when the answer is over: `acknowledged`
 * when all of it was handed to the connection (HTTP itself acknowledges nothing), `given-up` when who asked
 * had gone before.
 */
export function recordAnswer(
  runtime: EdgeRuntime,
  { raw, request }: FastifyReply,
  result: InferenceResult,
): void {
  const atMs = Date.now();
  const { ip } = request;
  const record = () => {
    const isSent = raw.writableFinished;
    const ending: Pick<OutputRecord, 'end' | 'detail'> = isSent
      ? { end: 'acknowledged', detail: `HTTP ${raw.statusCode} to ${ip}` }
      : { end: 'given-up', detail: 'who asked had gone before the answer' };
    runtime.recordOutput({
      ...{ output: HTTP_ANSWER, resultId: result.id, camera: result.camera ?? '' },
      ...{ outcome: result.verdict.outcome, atMs, endedAtMs: Date.now(), attempts: 1, ...ending },
    });
  };
  if (raw.closed) record();
  else raw.once('close', record);
}
