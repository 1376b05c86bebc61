import type { ComponentArtifact } from '../greengrass/component-gateway.ts';

export interface PolicyStatement {
  readonly Effect: 'Allow';
  readonly Action: readonly string[];
  readonly Resource: readonly string[];
}

/** What the role of the devices (token exchange) must be allowed, so that they get these artifacts. */
export function devicePermissions(
  artifacts: readonly ComponentArtifact[],
  partition: string,
): PolicyStatement[] {
  const resources = new Set<string>();
  for (const { uri } of artifacts) {
    const place = /^s3:\/\/([^/]+)\/(.+)$/.exec(uri);
    if (place) resources.add(`arn:${partition}:s3:::${place[1]}/${place[2]}`);
  }
  if (resources.size === 0) return [];
  return [{ Effect: 'Allow', Action: ['s3:GetObject'], Resource: [...resources].sort() }];
}
