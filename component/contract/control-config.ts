import { z } from 'zod';
import { boolean, described, integer, mapOf } from './config-values.ts';

export const WEEKDAYS = [
  'sunday',
  'monday',
  'tuesday',
  'wednesday',
  'thursday',
  'friday',
  'saturday',
] as const;
export type Weekday = (typeof WEEKDAYS)[number];

const timeOfDay = () =>
  z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'expected HH:MM, 00:00–23:59');
const weekday = () => boolean().default(true);

const windowSchema = z
  .strictObject({
    days: described(
      z
        .strictObject({
          monday: weekday(),
          tuesday: weekday(),
          wednesday: weekday(),
          thursday: weekday(),
          friday: weekday(),
          saturday: weekday(),
          sunday: weekday(),
        })
        .prefault({}),
      'Days on which it begins; every day unless one is `false`',
    ),
    from: described(timeOfDay(), 'Where it begins, HH:MM by the device’s clock and time zone'),
    to: described(timeOfDay(), 'Where it ends, HH:MM; on the next day when it is not after `from`'),
  })
  .refine(({ days }) => Object.values(days).some(Boolean), {
    path: ['days'],
    message: 'leave at least one day',
  });

/** When updates, and changes that make cameras pause, may disturb the line; docs/GREENGRASS.md. */
export const maintenanceSchema = z.strictObject({
  windows: described(
    mapOf(windowSchema).default({}),
    'Times in which updates may come, by name; at any time when there are none',
  ),
  maxDeferralHours: described(
    integer(0, 8760).default(168),
    'An update, or a change, that has waited so long passes all the same, and it is reported',
  ),
});
export type MaintenanceConfig = z.infer<typeof maintenanceSchema>;
export type MaintenanceWindow = MaintenanceConfig['windows'][string];

/** What a device tells of itself and what it lets itself be told over MQTT; docs/GREENGRASS.md. */
export const remoteSchema = z.strictObject({
  heartbeatSeconds: described(
    integer(1, 86_400).default(60),
    'The health document is published so often, in seconds, and within 5 s of a change (a quarter of this when that is shorter)',
  ),
  shadowSeconds: described(
    integer(1, 86_400).default(300),
    'Figures in the device shadow are renewed so often, in seconds; states after each change',
  ),
  isShadowEnabled: described(
    boolean().default(true),
    'Whether the named shadow `vedette` is kept and what it desires is done; with Greengrass alone',
  ),
  areCommandsEnabled: described(boolean().default(true), 'Whether commands are taken'),
});
export type RemoteConfig = z.infer<typeof remoteSchema>;
