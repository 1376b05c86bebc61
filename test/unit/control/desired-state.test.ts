import { afterEach, describe, expect, test } from 'vitest';
import { DesiredState } from '../../../component/control/desired-state.ts';
import { Maintenance } from '../../../component/control/maintenance.ts';
import { maintenanceSchema } from '../../../component/contract/control-config.ts';
import type { DesiredCamera } from '../../../component/contract/device-desired.ts';
import { VedetteError } from '../../../component/contract/errors.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

function start() {
  const state = {
    package: 'bricks@1.0.0',
    camera: { isEnabled: true, captureMode: 'rules' } as Required<DesiredCamera>,
    swaps: [] as string[],
    changes: 0,
    busy: [] as string[],
    refusal: undefined as VedetteError | undefined,
  };
  const desired = new DesiredState({
    maintenance: new Maintenance({
      config: () => maintenanceSchema.parse({}),
      busy: () => state.busy,
    }),
    onChange: () => (state.changes += 1),
    actions: {
      activePackage: (model) => {
        if (model === 'bricks') return state.package;
        throw new VedetteError('MODEL_NOT_FOUND', `No model is named ${model}`);
      },
      swapModel: async (_, wanted) => {
        state.swaps.push(wanted);
        if (wanted.startsWith('absent')) throw new VedetteError('MODEL_NOT_INSTALLED', wanted);
        state.package = wanted;
      },
      camera: (name) => {
        if (name === 'dock') return state.camera;
        throw new VedetteError('CAMERA_NOT_FOUND', `No camera is named ${name}`);
      },
      setCameras: async (changes) => {
        if (state.refusal) throw state.refusal;
        state.camera = { ...state.camera, ...changes['dock'] };
      },
    },
  });
  closing.push(() => desired.close());
  const codes = () =>
    Object.fromEntries([...desired.refused].map(([path, { code }]) => [path, code]));
  return { desired, state, codes };
}

describe('what is desired', () => {
  test('is done, and what cannot be is refused by its path without stopping the rest', async () => {
    const { desired, state, codes } = start();
    desired.take({
      models: { bricks: { package: 'bricks@2.0.0' }, other: { package: 'a@1' }, odd: 7 },
      cameras: { dock: { isEnabled: false }, nobody: { isEnabled: true }, dish: { zoom: 2 } },
      wifi: { on: true },
    });
    await expect.poll(() => state.changes).toBe(1);
    expect(state.package).toBe('bricks@2.0.0');
    expect(state.camera).toEqual({ isEnabled: false, captureMode: 'rules' });
    expect(codes()).toEqual({
      wifi: 'REQUEST_INVALID',
      'cameras/nobody': 'CAMERA_NOT_FOUND',
      'cameras/dish': 'CAMERA_NOT_FOUND',
      'models/other/package': 'MODEL_NOT_FOUND',
      'models/odd/package': 'REQUEST_INVALID',
    });
  });

  test('of a known camera is checked by its schema, and paths on the device are no packages', async () => {
    const { desired, state, codes } = start();
    desired.take({
      models: { bricks: { package: '/etc/passwd' } },
      cameras: { dock: { captureMode: 'some', isEnabled: false } },
    });
    await expect.poll(() => state.changes).toBe(1);
    expect(codes()).toEqual({
      'cameras/dock': 'REQUEST_INVALID',
      'models/bricks/package': 'REQUEST_INVALID',
    });
    expect([state.swaps, state.camera.isEnabled]).toEqual([[], true]);
  });

  test('is not tried again and again when it comes again and again', async () => {
    const { desired, state, codes } = start();
    const wanted = { models: { bricks: { package: 'absent@1.0.0' } } };
    desired.take(wanted);
    await expect.poll(() => codes()).toEqual({ 'models/bricks/package': 'MODEL_NOT_INSTALLED' });
    for (let index = 0; index < 20; index++) desired.take(structuredClone(wanted));
    desired.take({ models: { bricks: { package: 'bricks@3.0.0' } } });
    await expect.poll(() => state.package).toBe('bricks@3.0.0');
    expect(state.swaps).toEqual(['absent@1.0.0', 'bricks@3.0.0']);
    await expect.poll(() => codes()).toEqual({});
  });

  test('waits with a model while a part is inspected, and not with a camera', async () => {
    const { desired, state, codes } = start();
    state.busy = ['a part is under inspection: A-113'];
    desired.take({
      models: { bricks: { package: 'bricks@2.0.0' } },
      cameras: { dock: { captureMode: 'all' } },
    });
    await expect.poll(() => codes()).toEqual({ 'models/bricks/package': 'MAINTENANCE_AWAITED' });
    expect(state.camera.captureMode).toBe('all');
    expect(desired.refused.get('models/bricks/package')?.message).toContain('A-113');
    expect(state.swaps).toEqual([]);
  });

  test('that the runtime refuses is told with its reason', async () => {
    const { desired, state, codes } = start();
    state.refusal = new VedetteError('CONFIG_INVALID', 'cameras.dock: no');
    desired.take({ cameras: { dock: { isEnabled: false } } });
    await expect.poll(() => codes()).toEqual({ 'cameras/dock': 'CONFIG_INVALID' });
  });
});
