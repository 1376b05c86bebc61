import { describe, expect, test } from 'vitest';
import { maintenanceSchema } from '../../../component/contract/control-config.ts';
import {
  Maintenance,
  msUntilWindow,
  type ForcedChange,
} from '../../../component/control/maintenance.ts';

const config = (windows: object, maxDeferralHours = 168) =>
  maintenanceSchema.parse({ windows, maxDeferralHours });
/** Local time; 2026-11-23 is a Monday. */
const at = (day: number, hour: number, minute = 0) => new Date(2026, 10, day, hour, minute);
const night = { from: '22:00', to: '05:00' };
const until = (windows: object, now: Date) => msUntilWindow(config(windows).windows, now) / 60_000;

describe('the time until a maintenance window', () => {
  test('is none without windows, and inside one', () => {
    expect(until({}, at(23, 12))).toBe(0);
    expect(until({ noon: { from: '12:00', to: '13:00' } }, at(23, 12, 59))).toBe(0);
    expect(until({ noon: { from: '12:00', to: '13:00' } }, at(23, 13))).toBe(23 * 60);
  });

  test('takes the nearest of several', () => {
    const windows = { late: { from: '20:00', to: '21:00' }, soon: { from: '14:30', to: '15:00' } };
    expect(until(windows, at(23, 14))).toBe(30);
  });

  test('knows a window that lasts over midnight, by the day on which it begins', () => {
    expect(until({ night }, at(23, 23))).toBe(0);
    expect(until({ night }, at(24, 4, 59))).toBe(0);
    expect(until({ night }, at(24, 5))).toBe(17 * 60);
    const all = { tuesday: false, wednesday: false, thursday: false, friday: false };
    const days = { ...all, saturday: false, sunday: false };
    expect(until({ monday: { ...night, days } }, at(24, 4))).toBe(0);
    expect(until({ monday: { ...night, days } }, at(24, 23))).toBe((5 * 24 + 23) * 60);
    expect(until({ monday: { ...night, days } }, at(23, 4))).toBe(18 * 60);
  });

  test('takes the same hour twice for a whole day', () => {
    expect(until({ always: { from: '06:00', to: '06:00' } }, at(25, 3))).toBe(0);
  });

  test('counts seconds off', () => {
    const now = new Date(2026, 10, 23, 11, 59, 30);
    expect(msUntilWindow(config({ noon: { from: '12:00', to: '13:00' } }).windows, now)).toBe(
      30_000,
    );
  });
});

test('a window needs a day, and times of the day', () => {
  const none = Object.fromEntries(
    ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'].map((day) => [
      day,
      'false',
    ]),
  );
  expect(() => config({ never: { ...night, days: none } })).toThrow('leave at least one day');
  expect(() => config({ odd: { from: '24:00', to: '5:00' } })).toThrow('expected HH:MM');
});

describe('a change', () => {
  const start = (windows: object, maxDeferralHours?: number) => {
    const state = { now: at(23, 12), elapsedMs: 0, busy: [] as string[] };
    const forced: ForcedChange[] = [];
    const maintenance = new Maintenance({
      config: () => config(windows, maxDeferralHours),
      busy: () => state.busy,
      onForced: (change) => forced.push(change),
      now: () => state.now,
      elapsedMs: () => state.elapsedMs,
    });
    /** Asks as who waits does: again when it is told to. */
    const waited = (change: string, minutes: number) => {
      for (const endMs = state.elapsedMs + minutes * 60_000; state.elapsedMs < endMs;) {
        maintenance.ask(change, 'update');
        state.elapsedMs = Math.min(endMs, state.elapsedMs + 15 * 60_000);
      }
    };
    return { state, maintenance, forced, waited };
  };

  test('passes at any time without windows, but not while a part is inspected', () => {
    const { state, maintenance } = start({});
    expect(maintenance.ask('a', 'update')).toEqual({ mayPass: true, isForced: false });
    state.busy = ['a part is inspected at dock'];
    expect(maintenance.ask('a', 'update')).toMatchObject({ mayPass: false, reasons: state.busy });
    expect(maintenance.isInsideWindow).toBe(false);
  });

  test('waits for the window, and in it for the part', () => {
    const { state, maintenance } = start({ night });
    expect(maintenance.ask('a', 'update')).toMatchObject({
      mayPass: false,
      recheckAfterMs: 15 * 60_000,
    });
    state.now = at(23, 21, 59);
    expect(maintenance.ask('a', 'update')).toMatchObject({
      mayPass: false,
      recheckAfterMs: 60_000,
    });
    state.now = at(23, 22);
    expect(maintenance.isInsideWindow).toBe(true);
    state.busy = ['x'];
    expect(maintenance.ask('a', 'update')).toMatchObject({ mayPass: false, reasons: ['x'] });
    state.busy = [];
    expect(maintenance.ask('a', 'update')).toEqual({ mayPass: true, isForced: false });
  });

  test('passes when it has waited as long as it may, and the next waits anew', () => {
    const { state, maintenance, forced, waited } = start({ night }, 2);
    state.busy = ['a part is inspected at dock'];
    waited('a', 110);
    expect(maintenance.ask('a', 'update')).toMatchObject({
      mayPass: false,
      recheckAfterMs: 10 * 60_000,
    });
    expect(maintenance.ask('b', 'update')).toMatchObject({
      mayPass: false,
      recheckAfterMs: 15 * 60_000,
    });
    expect(forced).toEqual([]);
    waited('a', 10);
    expect(maintenance.ask('a', 'update')).toEqual({ mayPass: true, isForced: true });
    const reasons = ['outside of every maintenance window', 'a part is inspected at dock'];
    expect(forced).toEqual([{ change: 'a', reasons, maxDeferralHours: 2 }]);
    expect(maintenance.ask('a', 'update').mayPass).toBe(false);
  });

  test('that was withdrawn and comes again has not waited meanwhile, nor when the clock is set', () => {
    const { state, maintenance, forced } = start({ night }, 2);
    expect(maintenance.ask('a', 'update').mayPass).toBe(false);
    state.elapsedMs += 3 * 3_600_000;
    expect(maintenance.ask('a', 'update').mayPass).toBe(false);
    state.now = at(30, 12);
    expect(maintenance.ask('a', 'update').mayPass).toBe(false);
    expect(forced).toEqual([]);
  });
});
