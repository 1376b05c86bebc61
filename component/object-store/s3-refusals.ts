const OTHER_IS_THERE = /^(PreconditionFailed|ConditionalRequestConflict)$/;

/** For `catch`: somebody else put it there, or is about to. */
export function unlessOtherIsThere(error: unknown): undefined {
  if (OTHER_IS_THERE.test(String((error as { name?: unknown }).name))) return undefined;
  throw error;
}

/** For `catch`: nothing there is an answer. */
export function unlessAbsent(error: unknown): undefined {
  if (statusOf(error) === 404) return undefined;
  throw error;
}

/**
 * A refusal of HEAD has no body, hence no reason, and S3 answers 403 also for an object that is not
 * there to who may not list the bucket: the call that follows tells the truth.
 */
export function unlessRefused(error: unknown): undefined {
  const status = statusOf(error);
  if (status >= 300 && status < 500 && status !== 429) return undefined;
  throw error;
}

const statusOf = (error: unknown): number =>
  (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode ?? 0;
