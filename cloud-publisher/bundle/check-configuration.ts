import { runtimeConfigSchema } from '../../component/contract/config.ts';

export interface ConfigurationCheck {
  readonly problems: readonly string[];
  /** What may be right or wrong: only the device knows. */
  readonly notes: readonly string[];
}

/**
 * A merge for the edge runtime against its schema. What is missing may stand in the station's own
 * file, so that it is a note; `accessControl` is the nucleus', not the runtime's.
 */
export function checkRuntimeConfiguration(
  merge: Readonly<Record<string, unknown>>,
): ConfigurationCheck {
  const { accessControl: _, ...values } = merge;
  const parsed = runtimeConfigSchema.safeParse(values);
  if (parsed.success) return { problems: [], notes: [] };
  const [problems, notes]: [string[], string[]] = [[], []];
  for (const issue of parsed.error.issues) {
    const isMissing = issue.code === 'invalid_type' && issue.message.endsWith('received undefined');
    const text = `${issue.path.map(String).join('.')}: ${issue.message}`;
    if (isMissing) notes.push(`${text}; the device must have it from elsewhere`);
    else problems.push(text);
  }
  return { problems, notes };
}
