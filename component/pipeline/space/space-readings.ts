import type { Registry } from 'prom-client';
import type { CameraStatus } from '../../contract/ports.ts';
import { addReadings, type Values } from '../metric-readings.ts';

/** Zones and lines of cameras that follow objects. */
export function addSpaceReadings(registry: Registry, cameras: () => readonly CameraStatus[]): void {
  const zones = (value: (zone: ZoneReading) => number) => (): Values =>
    cameras().flatMap(({ name: camera, space }) =>
      Object.entries(space?.zones ?? {}).map(
        ([zone, state]) => [{ camera, zone }, value(state)] as const,
      ),
    );
  addReadings(
    registry,
    'vedette_zone_objects',
    'Followed objects in a zone',
    zones((z) => z.count),
  );
  addReadings(
    registry,
    'vedette_zone_longest_dwell_seconds',
    'How long the object that is longest in a zone has been there',
    zones((z) => (z.longestDwellMs ?? 0) / 1000),
  );
  addReadings(
    registry,
    'vedette_zone_entered_total',
    'Objects that entered a zone, over restarts',
    zones((z) => z.entered),
  );
  addReadings(
    registry,
    'vedette_line_crossings_total',
    'Objects that crossed a line, over restarts',
    () =>
      cameras().flatMap(({ name: camera, space }) =>
        Object.entries(space?.lines ?? {}).flatMap(([line, { forward, backward }]) => [
          [{ camera, line, direction: 'forward' }, forward] as const,
          [{ camera, line, direction: 'backward' }, backward] as const,
        ]),
      ),
  );
}

type ZoneReading = NonNullable<CameraStatus['space']>['zones'][string];
