import type { Locator } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { buildDashboard } from '../../../local-server/dashboard/build.mjs';
import { HttpCamera } from '../../support/http-camera.ts';
import { startServer } from '../../support/local-server.ts';
import type { RunningServer } from '../../support/local-server.ts';
import { OnvifCamera } from '../../support/onvif-camera.ts';
import { PageBrowser } from '../../support/page-browser.ts';
import { startSampleRuntime } from '../../support/real-runtime.ts';
import type { RunningRuntime } from '../../support/real-runtime.ts';
import { hasRtspServer, RtspServer } from '../../support/rtsp-server.ts';

const isDeep = process.env['VEDETTE_DEEP'] === '1';
const SIZE = '320x240';
// ffmpeg wants some twenty frames before it gives the first one.
const RATE = 10;
const hasRtsp = hasRtspServer();
let browser: PageBrowser;
let device: RunningRuntime;
let server: RunningServer;
let rtsp: RtspServer | undefined;

beforeAll(async () => {
  const [built, started] = await Promise.all([
    buildDashboard() as Promise<{ folder: string }>,
    PageBrowser.start(),
    hasRtsp ? RtspServer.start({ size: SIZE, rate: RATE }).then((one) => (rtsp = one)) : undefined,
  ]);
  browser = started;
  device = await startSampleRuntime(
    rtsp === undefined
      ? {}
      : {
          gate: {
            title: 'Gate',
            model: 'coco-detector',
            source: { kind: 'ffmpeg', url: rtsp.url('live'), stallTimeoutMs: 1000 },
          },
        },
  );
  server = await startServer(device.runtime, { dashboardFolder: built.folder });
});
afterEach(() => browser.closePages());
afterAll(async () => {
  await browser?.close();
  await server?.close();
  await device?.close();
  await rtsp?.close();
});

it('shows live pictures, verdicts and models of a running device without a complaint', async () => {
  const { page, complaints, foreign } = await browser.open(server.address);
  await page.getByRole('heading', { name: 'Brick surfaces' }).waitFor();
  await page.getByText('All models ready').waitFor();
  await page.getByRole('button', { name: /fail.*surface-defect/is }).waitFor({ timeout: 15_000 });
  const view = page.getByAltText('What Brick surfaces sees');
  await view.waitFor();
  await expect
    .poll(() => view.evaluate((img: HTMLImageElement) => img.naturalWidth))
    .toBeGreaterThan(0);
  await page.getByRole('row', { name: /brick-anomaly.*Ready/ }).waitFor();
  expect(await page.title()).toBe('test-station – Vedette');
  expect(complaints).toEqual([]);
  expect(foreign).toEqual([]);
});

it('filters the verdicts and opens one with its picture and JSON, by keyboard alone', async () => {
  const { page, complaints } = await browser.open(server.address);
  const table = page.getByRole('table', { name: 'Latest verdicts' });
  await table.getByText('Pass').first().waitFor({ timeout: 15_000 });
  await page
    .getByRole('button', { name: 'Verdict', exact: false })
    .filter({ hasText: 'All verdicts' })
    .click();
  await page.getByRole('option', { name: 'Fail' }).click();
  await expect.poll(() => table.getByText('Pass').count()).toBe(0);
  await table.getByText('Fail').first().waitFor();
  await page.getByRole('button', { name: 'Hold' }).click();
  await table
    .getByRole('button', { name: /Open the verdict/ })
    .first()
    .focus();
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog');
  await dialog.getByText('surface-defect', { exact: true }).waitFor();
  await expect.poll(() => dialog.locator('svg image').count()).toBe(1);
  await expect.poll(() => dialog.locator('svg polygon').count()).toBeGreaterThan(0);
  await dialog.getByRole('button', { name: /whole result/ }).click();
  await dialog.getByText('"schemaVersion": 1').waitFor();
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'hidden' });
  expect(complaints).toEqual([]);
});

it('fits a phone and a wall screen without scrolling sideways', async () => {
  const { page } = await browser.open(server.address);
  await page.getByRole('heading', { name: 'Brick surfaces' }).waitFor();
  await page.getByText('Pass').first().waitFor();
  for (const viewport of [
    { width: 360, height: 740 },
    { width: 2560, height: 1440 },
  ]) {
    await page.setViewportSize(viewport);
    const isWider = () => page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
    expect([viewport, await isWider()]).toEqual([viewport, false]);
  }
});

const isFocused = (field: Locator) =>
  expect.poll(() => field.evaluate((one) => one === document.activeElement)).toBe(true);

// Three programs start for a camera that is opened, beside the browser.
describe.skipIf(!hasRtsp)('a camera on the network', { timeout: isDeep ? 900_000 : 90_000 }, () => {
  it('dies and comes back, with the reason, without a reload', async () => {
    const { page } = await browser.open(server.address);
    await page.evaluate(() => Object.assign(window, { isTheSamePage: true }));
    const card = page.getByRole('region', { name: 'Gate' });
    const live = card.getByAltText('What Gate sees');
    const isWell = async () => {
      await card.getByText(/^(?:Running|Needs a look)$/).waitFor();
      await live.waitFor();
      await expect.poll(() => card.getByText(/nothing listens there|no frame/i).count()).toBe(0);
    };
    await isWell();

    if (isDeep) {
      await rtsp!.tell('stall');
      await card.getByText(/^(?:No pictures coming|Connecting again)$/).waitFor();
      await card.getByText(/no frame/i).waitFor();
      expect(await live.count()).toBe(0);
      await rtsp!.tell('resume');
      await isWell();
    }

    const { port } = rtsp!;
    await rtsp!.close();
    await card.getByText('Connecting again', { exact: true }).waitFor();
    await card.getByText(/nothing listens there; check the port/).waitFor();
    expect(await live.count()).toBe(0);
    rtsp = await RtspServer.start({ size: SIZE, rate: RATE, port });
    await isWell();
    await card.getByText(/opened again \d+ times/).waitFor();
    expect(await page.evaluate(() => 'isTheSamePage' in window)).toBe(true);
  });

  it('is found, tried and ready to be configured, by keyboard alone', async () => {
    const login = { username: 'ann', password: 'hidden word' };
    const onvif = await OnvifCamera.start({ ...login, streamPort: rtsp!.port });
    try {
      const { page, complaints } = await browser.open(server.address);
      const find = page.getByRole('button', { name: 'Find cameras' });
      await expect.poll(() => find.isEnabled()).toBe(true);
      await find.press('Enter');
      const search = page.getByRole('dialog', { name: 'Find cameras' });
      await isFocused(search.getByLabel('Ask only this address'));
      await page.keyboard.insertText(`127.0.0.1:${onvif.discoveryPort}`);
      await page.keyboard.press('Enter');
      await search.getByRole('button', { name: 'Log in to Gate & Dock' }).press('Enter');
      await isFocused(search.getByLabel('ONVIF user'));
      await page.keyboard.insertText(login.username);
      await page.keyboard.press('Tab');
      await page.keyboard.insertText(login.password);
      await page.keyboard.press('Enter');
      await search.getByText('H264, 1920 × 1080, 25 a second').waitFor();
      await search.getByRole('button', { name: /^Try rtsp:.*live$/ }).press('Enter');

      const dialog = page.getByRole('dialog', { name: 'Try a camera' });
      expect(await dialog.getByLabel('Address').inputValue()).toBe(rtsp!.url('live'));
      // This one's stream asks for no login.
      await dialog.getByLabel('User').fill('');
      await dialog.getByLabel('Password').fill('');
      await dialog.getByLabel('Address').press('Enter');
      await dialog.getByText('320 × 240').waitFor();
      await dialog.getByText(/\d a second, longest gap/).waitFor();
      const still = dialog.getByAltText(`Last picture of ${rtsp!.url('live')}`);
      expect(await still.evaluate((img: HTMLImageElement) => img.naturalWidth)).toBe(320);
      await dialog.getByRole('button', { name: 'Copy' }).press('Enter');
      await dialog.getByText('Copied').waitFor();
      expect(await page.evaluate(() => String(getSelection()).trim())).toBe(
        [
          'cameras:',
          '  gate-dock:',
          '    model: coco-detector',
          '    source:',
          '      kind: ffmpeg',
          `      url: "${rtsp!.url('live')}"`,
        ].join('\n'),
      );
      await page.keyboard.press('Escape');
      await dialog.waitFor({ state: 'hidden' });
      expect(complaints).toEqual([]);
    } finally {
      await onvif.close();
    }
  });
});

it('says in a sentence why no picture comes from a camera that is tried', async () => {
  const locked = await HttpCamera.start({ login: 'basic', username: 'ann', password: 'word' });
  try {
    const { page } = await browser.open(server.address);
    await page.getByRole('button', { name: 'Try a camera' }).click();
    const dialog = page.getByRole('dialog', { name: 'Try a camera' });
    const address = dialog.getByLabel('Address');
    await isFocused(address);
    await page.keyboard.insertText('camera');
    await page.keyboard.press('Enter');
    await dialog.getByText(/Expected rtsp/).waitFor();
    await address.fill(locked.url('/stream'));
    await page.keyboard.press('Enter');
    await dialog.getByText(/asks for a user name and a password/).waitFor();
    await dialog.getByLabel('User').fill('ann');
    await dialog.getByLabel('Password').fill('word');
    await page.keyboard.press('Enter');
    await dialog.getByText('768 × 576').waitFor();
    const lines = dialog.getByRole('region', { name: 'Lines for the configuration' });
    await lines.getByText(/password: \{ file:/).waitFor();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
    await isFocused(page.getByRole('button', { name: 'Try a camera' }));
  } finally {
    await locked.close();
  }
});
