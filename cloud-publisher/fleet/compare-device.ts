/** How what a device runs differs from what deployments want there. */
export interface DeviceDifference {
  readonly component: string;
  /** By the deployment's name or id; nothing when none wants it. */
  readonly wanted?: string;
  readonly installed?: string;
  readonly deployment?: string;
}

export interface WantedComponent {
  readonly version: string;
  readonly deployment: string;
}

/**
 * @param installed every component of the device, by name: dependencies are among them
 * @param roots those that are there because a deployment named them
 */
export function compareDevice(
  wanted: ReadonlyMap<string, WantedComponent>,
  installed: ReadonlyMap<string, string>,
  roots: ReadonlySet<string>,
): DeviceDifference[] {
  const missing = [...wanted].flatMap(([component, { version, deployment }]) => {
    const found = installed.get(component);
    if (found === version) return [];
    return found === undefined
      ? { component, wanted: version, deployment }
      : { component, wanted: version, installed: found, deployment };
  });
  const extra = [...installed].flatMap(([component, version]) =>
    roots.has(component) && !wanted.has(component) ? { component, installed: version } : [],
  );
  return [...missing, ...extra];
}
