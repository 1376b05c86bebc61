import { afterAll, beforeAll, expect, it } from 'vitest';
import { DeploymentScene, LINE, MODEL } from '../../support/deployment-scene.ts';
import { runPublisher } from '../../support/run-publisher.ts';

const isDeep = process.env['VEDETTE_DEEP'] === '1';
const DEVICES = isDeep ? 10_000 : 300;
const MAX_MEGABYTES = 500;

let scene: DeploymentScene;

beforeAll(async () => {
  scene = await DeploymentScene.open();
});
afterAll(() => scene.close());

/** Says on stderr how long the command took and how much memory it had at most. */
const METER = `data:text/javascript,${encodeURIComponent(
  'process.on("exit",()=>process.stderr.write(`\\nmeter ${performance.now()} ${process.resourceUsage().maxRSS}\\n`))',
)}`;

it(
  `a plan for ${DEVICES} devices previews every one of them, in at most ${MAX_MEGABYTES} MB`,
  { timeout: 300_000 },
  async () => {
    scene.line(DEVICES);
    const file = await scene.file({
      name: 'caps-2',
      target: LINE,
      components: { [MODEL]: { version: '2.0.0' } },
      waves: [{ percent: 1 }, { percent: 10 }, { percent: 50 }],
    });
    const { code, stdout, stderr } = await runPublisher(scene.arguments('deploy', 'plan', file), {
      ...scene.aws.environment(),
      NODE_OPTIONS: `--import=${METER}`,
    });
    expect(code, stderr).toBe(0);
    const { steps, devices } = JSON.parse(stdout) as {
      steps: { devices: string[] }[];
      devices: { thing: string; downloadBytes: number; freeDiskBytes: number; basis: string }[];
    };
    expect(steps.map((step) => step.devices.length)).toEqual(
      [1, 9, 40, 100].map((percent) => (DEVICES * percent) / 100),
    );
    expect(new Set(devices.map(({ thing }) => thing)).size).toBe(DEVICES);
    for (const device of devices)
      expect(device).toMatchObject({ downloadBytes: 1000, freeDiskBytes: 8e9, basis: 'deployed' });
    const [, ms, kilobytes] = /meter ([\d.]+) (\d+)/.exec(stderr)!;
    const megabytes = Math.round(Number(kilobytes) / 1024);
    console.log(`plan for ${DEVICES} devices: ${Math.round(Number(ms))} ms, ${megabytes} MB`);
    expect(megabytes).toBeLessThan(MAX_MEGABYTES);
  },
);
