import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { VedetteError } from '../../../component/contract/errors.ts';
import { buildDashboard } from '../../../local-server/dashboard/build.mjs';
import {
  InMemoryRuntime,
  sampleCamera,
  sampleModel,
  sampleResult,
} from '../../support/in-memory-runtime.ts';
import { startServer } from '../../support/local-server.ts';
import type { RunningServer } from '../../support/local-server.ts';
import { PageBrowser } from '../../support/page-browser.ts';

/** The page asks and connects again after so long by its own clock. */
const ASK_AGAIN_MS = 10_000;
const CONNECT_AGAIN_MS = 3000;
let browser: PageBrowser;
let dashboardFolder: string;
const servers: RunningServer[] = [];

beforeAll(async () => {
  ({ folder: dashboardFolder } = (await buildDashboard()) as { folder: string });
  browser = await PageBrowser.start();
});
afterEach(async () => {
  await browser.closePages();
  for (const one of servers.splice(0)) await one.close();
});
afterAll(() => browser?.close());

async function startStandIn(runtime: InMemoryRuntime, token?: string): Promise<RunningServer> {
  const started = await startServer(runtime, {
    dashboardFolder,
    ...(token === undefined ? {} : { token }),
  });
  servers.push(started);
  return started;
}

it('says what waits to leave the device, and what is in the way; nothing where nothing is delivered', async () => {
  const runtime = new InMemoryRuntime();
  const { address } = await startStandIn(runtime);
  const { page, complaints } = await browser.open(address, { isClockMoved: true });
  await page.getByText('No camera is configured.').waitFor();
  const line = page.getByRole('region', { name: 'Delivery' });
  expect(await line.count()).toBe(0);
  runtime.delivery = {
    ...runtime.delivery,
    isEnabled: true,
    waiting: { alarms: 2, others: 10, bytes: 9000 },
    oldestAgeMs: 180_000,
    channel: {
      description: 'Greengrass',
      isConnected: false,
      sent: 0,
      inFlight: 0,
      refusedTopics: {},
    },
  };
  await page.clock.fastForward(ASK_AGAIN_MS);
  await line.getByText('No connection to Greengrass; messages are kept').waitFor();
  await line.getByText('12 messages waiting, for up to').waitFor();
  expect(complaints).toEqual([]);
});

it('shows triggers with their verdicts and who was told, and what is deaf around the line', async () => {
  const runtime = new InMemoryRuntime();
  const dropped = { busy: 0, 'queue-full': 0, replaced: 0, invalid: 0 };
  const triggers = { open: 1, answered: 1, failSafe: 1, repeated: 0, late: 0, dropped };
  runtime.cameraList = [sampleCamera('dock', { triggers })];
  const reason = { code: 'CHANNEL_OFFLINE' as const, message: 'there is no broker' };
  const of = {
    camera: 'dock',
    source: 'belt',
    deadlineMs: 500,
    failSafe: 'fail',
    model: 'm',
  } as const;
  const told = { output: 'plc', camera: 'dock', outcome: 'pass', atMs: 0, endedAtMs: 0 } as const;
  runtime.line = {
    triggers: [
      { name: 'belt', camera: 'dock', kind: 'mqtt', state: 'lost', reason, taken: 2, refused: 0 },
    ],
    outputs: [{ name: 'plc', kind: 'modbus', waiting: 1, acknowledged: 1, givenUp: 0 }],
    records: [{ ...told, resultId: 'b', end: 'acknowledged', attempts: 3, detail: 'coil 7 = 1' }],
    transactions: [
      { ...of, id: 'c', triggerId: 'part-3', openedAtMs: 3000 },
      {
        ...{ ...of, id: 'b', triggerId: 'part-2', openedAtMs: 2000, endedAtMs: 2040 },
        ...{ context: { product: 'P200' }, end: 'answered', resultId: 'b', outcome: 'pass' },
      },
      {
        ...{ ...of, id: 'a', triggerId: 'a', openedAtMs: 1000, endedAtMs: 1500, resultId: 'a' },
        ...{ end: 'fail-safe', outcome: 'fail', reason: 'no verdict within 500 ms' },
      },
    ],
  };
  const { page, complaints } = await browser.open((await startStandIn(runtime)).address);
  const rows = page.getByRole('table', { name: 'Triggers' }).getByRole('row');
  await rows.filter({ hasText: 'part-3' }).getByText('Waits').waitFor();
  const answered = rows.filter({ hasText: 'part-2' });
  await answered.getByText('product: P200').waitFor();
  await answered.getByText('coil 7 = 1 (try 3)').waitFor();
  const unjudged = rows.filter({ hasText: 'Fail-safe: not judged' });
  await unjudged.getByText('no verdict within 500 ms').waitFor();
  const belt = page.getByRole('region', { name: 'What triggers' });
  await belt.getByText('hears nothing').waitFor();
  await belt.getByText('there is no broker').waitFor();
  await page.getByRole('region', { name: 'Who is told' }).getByText('1 verdict waiting').waitFor();
  expect(complaints).toEqual([]);
});

it('says that the connection is lost, shows nothing as live then, and comes back by itself', async () => {
  const runtime = new InMemoryRuntime();
  runtime.cameraList = [sampleCamera('dock', { title: 'Loading dock' })];
  const first = await startStandIn(runtime);
  const { page } = await browser.open(first.address, { isClockMoved: true });
  await page.getByText('Live', { exact: true }).waitFor();
  servers.pop();
  await first.close();
  await page.getByText(/No connection to the device since/).waitFor();
  await page.getByText('No live picture: the connection is lost').waitFor();
  expect(await page.getByText('Running', { exact: true }).count()).toBe(0);
  expect(await page.getByAltText('What Loading dock sees').count()).toBe(0);

  const again = await startServer(runtime, { dashboardFolder, port: first.port });
  servers.push(again);
  await page.clock.fastForward(CONNECT_AGAIN_MS);
  await page.getByText('Running', { exact: true }).waitFor({ timeout: 15_000 });
  expect(await page.getByText(/No connection to the device/).count()).toBe(0);
});

it('says what does not work, in words', async () => {
  const runtime = new InMemoryRuntime();
  const reason = { code: 'MODEL_FILE_INVALID', message: 'model.onnx is cut short' } as const;
  runtime.modelList = [sampleModel('broken', { state: 'failed', reason })];
  runtime.cameraList = [
    sampleCamera('dock', {
      state: 'reconnecting',
      reason: { code: 'CAMERA_SOURCE_FAILED', message: 'nothing came for 10 s' },
      framesDropped: { unreadable: 7 },
    }),
    sampleCamera('gate', {
      restarts: 3,
      framesDropped: { overwritten: 4, stale: 2 },
      lastFrame: { width: 640, height: 480, capturedAtMs: Date.now() },
      health: {
        conditions: [{ kind: 'frozen', sinceMs: 0, message: 'it has not changed for 30 s' }],
      },
    }),
  ];
  const error = new VedetteError('STORAGE_FULL', 'The disk is full').serialize();
  runtime.noticeList = [{ atMs: Date.now(), level: 'error', error }];
  const { page } = await browser.open((await startStandIn(runtime)).address);
  for (const text of [
    '1 of 1 model not working',
    'model.onnx is cut short',
    'Connecting again',
    'nothing came for 10 s',
    '7 not a readable picture',
    'Needs a look',
    'it has not changed for 30 s',
    '640 × 480, opened again 3 times',
    '6: 4 a newer one came first, 2 too old when its turn came',
    'The disk is full',
  ]) {
    await page.getByText(text).first().waitFor();
  }
});

it('shows text from outside as text', async () => {
  const runtime = new InMemoryRuntime();
  const label = '<img src=x onerror="document.title=1"><b>bold</b>';
  const box = { x: 0, y: 0, width: 9, height: 9 };
  const verdict = { outcome: 'fail', reason: label } as const;
  runtime.resultList = [
    sampleResult({ detections: [{ label, labelIndex: 0, score: 1, box }], verdict }),
  ];
  const { page, complaints } = await browser.open((await startStandIn(runtime)).address);
  await page.getByText(`1 × ${label}`).waitFor();
  expect(await page.locator('b', { hasText: 'bold' }).count()).toBe(0);
  expect(complaints).toEqual([]);
});

it('shows a camera whose model failed as not judged, and the worst notice first with its remedy', async () => {
  const runtime = new InMemoryRuntime();
  const failure = new VedetteError('MODEL_FILE_INVALID', 'model.onnx is empty').serialize();
  runtime.modelList = [sampleModel('broken', { state: 'failed', reason: failure })];
  runtime.cameraList = [sampleCamera('dock', { title: 'Loading dock', model: 'broken' })];
  const notice = (code: 'STORAGE_FULL' | 'CONFIG_INVALID', message: string, atMs: number) => ({
    atMs,
    level: code === 'STORAGE_FULL' ? ('error' as const) : ('warn' as const),
    error: new VedetteError(code, message).serialize(),
  });
  runtime.noticeList = [
    notice('STORAGE_FULL', 'The disk is full', 1000),
    notice('CONFIG_INVALID', 'no such label: persn', 2000),
    notice('CONFIG_INVALID', 'no such label: forklft', 3000),
  ];
  const { address } = await startStandIn(runtime);
  const { page, complaints } = await browser.open(address);
  await page.getByText('Not judged').waitFor();
  await page.getByText('Nothing is judged: model broken does not work').waitFor();
  expect(await page.getByText('Running', { exact: true }).count()).toBe(0);
  await page.getByText('The disk is full').waitFor();
  await page.getByText('Free space or lower').waitFor();
  await page.getByText('no such label: forklft').waitFor();
  await page.getByText('1 more notice').waitFor();
  expect(complaints).toEqual([]);
});

it('asks for the token once and remembers it', async () => {
  const runtime = new InMemoryRuntime();
  runtime.cameraList = [sampleCamera('dock', { title: 'Loading dock' })];
  const { address } = await startStandIn(runtime, 'correct-horse');
  const { page, complaints } = await browser.open(address);
  await page.getByLabel('Token').waitFor();
  expect(complaints).toEqual([]);
  await page.getByLabel('Token').fill('wrong');
  await page.getByRole('button', { name: 'Open' }).click();
  await page.getByText('The token is not the one').waitFor();
  await page.getByLabel('Token').fill('correct-horse');
  await page.getByRole('button', { name: 'Open' }).click();
  await page.getByRole('heading', { name: 'Loading dock' }).waitFor();
  await page.reload();
  await page.getByRole('heading', { name: 'Loading dock' }).waitFor();
});

it('keeps up with hundreds of verdicts a second', async () => {
  const runtime = new InMemoryRuntime();
  runtime.cameraList = [sampleCamera('walkway')];
  const { page, complaints } = await browser.open((await startStandIn(runtime)).address);
  await page.getByText('Live', { exact: true }).waitFor();
  for (let burst = 0; burst < 20; burst += 1) {
    for (let index = 0; index < 50; index += 1) {
      runtime.emit({ kind: 'result', result: sampleResult() });
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const last = sampleResult({ verdict: { outcome: 'review', reason: 'the very last one' } });
  runtime.emit({ kind: 'result', result: last });
  await page.getByText('the very last one').first().waitFor();
  expect(await page.locator('tbody tr').count()).toBeLessThanOrEqual(30);
  expect(complaints).toEqual([]);
});

it('shows the latest picture of a camera, also when none follows it', async () => {
  const runtime = new InMemoryRuntime();
  runtime.cameraList = [sampleCamera('walkway')];
  const { address } = await startStandIn(runtime);
  const { page } = await browser.open(address);
  await expect.poll(() => runtime.viewers.size).toBe(1);
  for (const colour of ['#ff0000', '#00ff00']) {
    runtime.showPicture(
      await sharp({ create: { width: 64, height: 48, channels: 3, background: colour } })
        .jpeg({ quality: 100 })
        .toBuffer(),
    );
  }
  const greenness = () =>
    page.evaluate(() => {
      const image = document.querySelector<HTMLImageElement>('img[src*="/live"]');
      const context = document.createElement('canvas').getContext('2d');
      if (!image?.naturalWidth || !context) return 'no picture';
      context.drawImage(image, 0, 0);
      const [red = 0, green = 0] = context.getImageData(5, 5, 1, 1).data;
      return green > 200 && red < 60 ? 'green' : `red ${red}, green ${green}`;
    });
  await expect.poll(greenness).toBe('green');
});

it('shows the versions of a model, what is found out about one that is tried, and promotes it', async () => {
  const runtime = new InMemoryRuntime();
  const model = sampleModel('parts');
  runtime.modelList = [
    {
      ...model,
      lifecycle: {
        configuredPackage: 'parts@1.0.0',
        isPinned: false,
        active: { package: 'parts@1.0.0', state: 'ready' },
        previous: { package: 'parts@0.9.0' },
        candidate: {
          package: 'parts@2.0.0',
          state: 'ready',
          mode: 'shadow',
          cameras: [],
          sinceMs: 0,
          shadow: {
            compared: 200,
            agreed: 190,
            cameras: {},
            dropped: 7,
            failed: 0,
            disagreements: [],
          },
        },
      },
    },
  ];
  const { page, complaints } = await browser.open((await startStandIn(runtime)).address);
  for (const text of [
    'parts@2.0.0 is compared',
    'Agrees on 95.0 % of 200 frames, did not see 7',
    'before: parts@0.9.0',
  ]) {
    await page.getByText(text).waitFor();
  }
  await page.getByRole('button', { name: 'Promote: parts' }).click();
  await page.getByRole('button', { name: 'Discard: parts' }).click();
  await expect
    .poll(() => runtime.modelChangeRequests)
    .toEqual([
      { name: 'parts', request: { kind: 'promote' } },
      { name: 'parts', request: { kind: 'discard' } },
    ]);
  expect(complaints).toEqual([]);
});
