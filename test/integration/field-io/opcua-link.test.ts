import { mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OpcuaLink } from '../../../component/field-io/opcua-link.ts';
import type { OpcuaAddress } from '../../../component/field-io/opcua-messages.ts';
import { OpcuaDevice } from '../../support/opcua-device.ts';

const never = new AbortController().signal;

/** Its server takes seconds to start. */
describe.runIf(process.env['VEDETTE_DEEP'] === '1')('a secured OPC UA server', () => {
  let device: OpcuaDevice;
  let folder: string;
  beforeAll(async () => {
    device = await OpcuaDevice.start();
    folder = await mkdtemp(path.join(tmpdir(), 'vedette-opcua-trust-'));
  }, 60_000);
  afterAll(async () => {
    await device.close();
    await rm(folder, { recursive: true, force: true });
  });

  const open = (change: Partial<OpcuaAddress> = {}) =>
    OpcuaLink.open(
      {
        ...{ endpointUrl: device.url, securityMode: 'sign-and-encrypt', timeoutMs: 5000 },
        ...{ securityPolicy: 'Basic256Sha256', certificateFolder: folder },
        ...{ username: OpcuaDevice.user.name, password: OpcuaDevice.user.password },
        ...change,
      },
      never,
    );

  it('is not spoken to until its certificate is trusted', async () => {
    await expect(open()).rejects.toMatchObject({ code: 'FIELD_DEVICE_OFFLINE' });
    const [rejected] = await readdir(path.join(folder, 'rejected'));
    await rename(
      path.join(folder, 'rejected', rejected!),
      path.join(folder, 'trusted/certs', rejected!),
    );
    const link = await open();
    await link.write('ns=1;s=Verdict', 7);
    expect(await link.read('ns=1;s=Verdict')).toBe(7);
    await link.close();
  }, 60_000);

  it('refuses a wrong password without telling it on, and nodes that are not there', async () => {
    const wrong = await open({ password: 'secret-word' }).catch((error: Error) => error);
    expect(wrong).toMatchObject({ code: 'FIELD_DEVICE_OFFLINE' });
    expect((wrong as Error).message).not.toContain('secret-word');
    const link = await open({ securityMode: 'none' });
    await expect(link.read('ns=1;s=Nothing')).rejects.toMatchObject({
      code: 'FIELD_DEVICE_REFUSED',
    });
    await expect(link.write('ns=1;s=Nothing', 1)).rejects.toThrow(/ns=1;s=Nothing|BadNodeId/);
    await link.close();
  }, 60_000);
});
