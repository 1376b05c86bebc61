import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { VedetteError } from '../../component/contract/errors.ts';
import { deploymentFileSchema } from './deployment-file.ts';
import type { DeploymentFile } from './deployment-file.ts';

const MAX_BYTES = 1024 * 1024;

/** @throws VedetteError DEPLOYMENT_INVALID with every problem */
export async function readDeploymentFile(path: string): Promise<DeploymentFile> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new VedetteError('DEPLOYMENT_INVALID', `${path} could not be read: ${error.message}`, {
      cause: error,
    });
  });
  return parseDeploymentFile(text, path);
}

/** @param origin for the message */
export function parseDeploymentFile(text: string, origin: string): DeploymentFile {
  if (Buffer.byteLength(text) > MAX_BYTES) {
    throw new VedetteError('DEPLOYMENT_INVALID', `${origin} is larger than ${MAX_BYTES} bytes`);
  }
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    const { message } = error as Error;
    throw new VedetteError('DEPLOYMENT_INVALID', `${origin} is no YAML: ${message}`);
  }
  const parsed = deploymentFileSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) =>
    path.length === 0 ? message : `${path.join('.')}: ${message}`,
  );
  throw new VedetteError('DEPLOYMENT_INVALID', `${origin}: ${problems.join('; ')}`, {
    details: { problems },
  });
}
