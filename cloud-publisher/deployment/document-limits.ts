import { VedetteError } from '../../component/contract/errors.ts';
import type { DeploymentDocument } from '../greengrass/deployment-gateway.ts';
import { kindOf, targetName } from './target-arn.ts';

/** As Greengrass counts them; more needs large configurations. */
export const MAX_DOCUMENT_BYTES = { thing: 7_000, thinggroup: 31_000 } as const;
/** What target, name, tags and token take beside the document. */
const ENVELOPE_BYTES = 500;

export const documentBytes = (document: DeploymentDocument): number =>
  Buffer.byteLength(JSON.stringify(document)) + ENVELOPE_BYTES;

/** @throws VedetteError DEPLOYMENT_TOO_LARGE naming the largest configurations */
export function checkDocument(targetArn: string, document: DeploymentDocument): void {
  const kind = kindOf(targetArn);
  const [bytes, max] = [documentBytes(document), MAX_DOCUMENT_BYTES[kind]];
  if (bytes <= max) return;
  const largest = Object.entries(document.components)
    .map(([component, one]) => ({ component, bytes: JSON.stringify(one).length }))
    .sort((a, b) => b.bytes - a.bytes)
    .slice(0, 3)
    .map((one) => `${one.component} ${one.bytes}`);
  throw new VedetteError(
    'DEPLOYMENT_TOO_LARGE',
    `the deployment for ${targetName(targetArn)} takes about ${bytes} bytes, a ${kind === 'thing' ? 'thing' : 'thing group'} ${max}; the largest parts in bytes: ${largest.join(', ')}`,
    { details: { bytes, maxBytes: max } },
  );
}
