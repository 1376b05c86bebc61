import { setTimeout as pause } from 'node:timers/promises';
import { STREAM_CAMERAS, type SoakScene } from './soak-scene.ts';

/** What a fault may keep from working, until `recoveryMs` after its end. */
export type Part =
  | (typeof STREAM_CAMERAS)[number]
  | 'runtime'
  | 'broker'
  | 'receiver'
  | 'triggers'
  | 'plc'
  | 'configuration'
  | 'disk';

export interface Fault {
  readonly name: string;
  /** The part that is broken comes first. */
  readonly affects: readonly [Part, ...Part[]];
  /** Lasts so long, in milliseconds; the shortest and the longest. */
  readonly lastsMs: readonly [number, number];
  /** The part may need so long after the end until it works again, in milliseconds. */
  readonly recoveryMs: number;
  /** Resolves when the fault is over. */
  readonly run: (scene: SoakScene, lastsMs: number) => Promise<void>;
}

export interface Injected {
  readonly name: string;
  readonly affects: readonly Part[];
  readonly fromMs: number;
  readonly toMs: number;
  /** Until then what it affects may be away. */
  readonly allowedUntilMs: number;
}

/** A source is looked for again within two seconds; a model and a decoder start meanwhile on busy cores. */
const SOURCE_RECOVERY_MS = 4000;
const PROCESS_RECOVERY_MS = 8000;
/** Who waits for the lock asks for it again after pauses of up to 100 ms; then all that waits is written. */
const DISK_RECOVERY_MS = 1500;

/** For a while something is so; then as before. */
const during =
  (begin: (scene: SoakScene) => void, end: (scene: SoakScene) => void): Fault['run'] =>
  async (scene, lastsMs) => {
    begin(scene);
    await pause(lastsMs);
    end(scene);
  };

const signalDecoders = (scene: SoakScene, signal: NodeJS.Signals) => {
  for (const pid of scene.decoders()) {
    try {
      process.kill(pid, signal);
    } catch {
      // It was replaced meanwhile.
    }
  }
};

const changed = { lastsMs: [0, 0], recoveryMs: SOURCE_RECOVERY_MS } as const;
const http = {
  affects: ['belt', 'dock'],
  lastsMs: [500, 12_000],
  recoveryMs: SOURCE_RECOVERY_MS,
} as const;
/** The trigger looks for it again after pauses of up to ten seconds. */
const plc = { affects: ['plc'], lastsMs: [200, 12_000], recoveryMs: 12_000 } as const;
const rtsp = { affects: ['gate'], recoveryMs: SOURCE_RECOVERY_MS } as const;
const whole = {
  affects: ['runtime', ...STREAM_CAMERAS],
  lastsMs: [0, 0],
  recoveryMs: PROCESS_RECOVERY_MS,
} as const;

export const FAULTS: readonly Fault[] = [
  {
    ...rtsp,
    name: 'RTSP stream stalls',
    lastsMs: [500, 12_000],
    run: async (scene, lastsMs) => {
      await scene.rtsp.tell('stall');
      await pause(lastsMs);
      await scene.rtsp.tell('resume');
    },
  },
  {
    ...rtsp,
    name: 'RTSP server is gone',
    lastsMs: [200, 25_000],
    run: (scene, lastsMs) => scene.restartRtsp(lastsMs),
  },
  {
    ...rtsp,
    name: 'RTSP stream changes its size',
    lastsMs: [2000, 6000],
    run: async (scene, lastsMs) => {
      await scene.rtsp.tell('resize 320 180');
      await pause(lastsMs);
      await scene.rtsp.tell('resize 640 360');
    },
  },
  {
    ...rtsp,
    name: 'RTSP packets are damaged on their way',
    lastsMs: [500, 12_000],
    run: during(
      ({ wire }) => (wire.fault = 'corrupt'),
      ({ wire }) => (wire.fault = 'clean'),
    ),
  },
  {
    ...rtsp,
    name: 'RTSP camera sends garbage',
    lastsMs: [500, 12_000],
    run: during(
      ({ wire }) => (wire.fault = 'garbage'),
      ({ wire }) => (wire.fault = 'clean'),
    ),
  },
  {
    ...rtsp,
    name: 'RTSP stream ends',
    lastsMs: [0, 0],
    run: (scene) => scene.rtsp.tell('end'),
  },
  {
    ...rtsp,
    name: 'decoder is killed',
    lastsMs: [0, 0],
    run: async (scene) => signalDecoders(scene, 'SIGKILL'),
  },
  {
    ...rtsp,
    name: 'decoder hangs',
    lastsMs: [3000, 8000],
    run: async (scene, lastsMs) => {
      signalDecoders(scene, 'SIGSTOP');
      await pause(lastsMs);
      signalDecoders(scene, 'SIGCONT');
    },
  },
  {
    ...http,
    name: 'HTTP camera is silent',
    run: during(
      ({ camera }) => (camera.isSilent = true),
      ({ camera }) => (camera.isSilent = false),
    ),
  },
  {
    ...http,
    name: 'HTTP camera sends garbage',
    run: during(
      ({ camera }) => (camera.body = Buffer.alloc(20_000, 'no picture')),
      ({ camera }) => (camera.body = undefined),
    ),
  },
  {
    ...http,
    name: 'HTTP camera answers 500',
    run: during(
      ({ camera }) => {
        camera.status = 500;
        camera.cutConnections();
      },
      ({ camera }) => (camera.status = 200),
    ),
  },
  {
    ...http,
    name: 'HTTP camera is unplugged for a moment',
    lastsMs: [0, 0],
    run: async ({ camera }) => camera.cutConnections(),
  },
  {
    name: 'broker is gone',
    affects: ['broker'],
    lastsMs: [200, 15_000],
    recoveryMs: 20_000,
    run: async ({ broker }, lastsMs) => {
      await broker.interrupt();
      await pause(lastsMs);
      await broker.resume();
    },
  },
  {
    name: 'receiver of verdicts fails',
    affects: ['receiver'],
    lastsMs: [500, 15_000],
    recoveryMs: 30_000,
    run: during(
      ({ receiver }) => (receiver.mode = 'failing'),
      ({ receiver }) => (receiver.mode = 'good'),
    ),
  },
  {
    name: 'receiver of verdicts never answers',
    affects: ['receiver'],
    lastsMs: [500, 15_000],
    recoveryMs: 30_000,
    run: during(
      ({ receiver }) => (receiver.mode = 'silent'),
      ({ receiver }) => (receiver.mode = 'good'),
    ),
  },
  {
    ...plc,
    name: 'PLC is unplugged',
    run: (scene, lastsMs) => scene.plc.unplug(() => pause(lastsMs)),
  },
  {
    ...plc,
    name: 'PLC is unplugged for a moment',
    lastsMs: [0, 0],
    run: (scene) => scene.plc.unplug(() => Promise.resolve()),
  },
  {
    ...plc,
    name: 'PLC does not answer',
    run: (scene, lastsMs) => scene.plc.beSilent(() => pause(lastsMs)),
  },
  {
    ...changed,
    name: 'configuration changes a deadline',
    affects: ['configuration'],
    run: (scene) => scene.station.changeDeadline(),
  },
  {
    name: 'disk hangs',
    affects: ['disk'],
    lastsMs: [1000, 4000],
    recoveryMs: DISK_RECOVERY_MS,
    run: (scene, lastsMs) => scene.holdRegistry(lastsMs),
  },
  ...STREAM_CAMERAS.map((camera): Fault => ({
    ...changed,
    name: `configuration has ${camera} opened anew`,
    affects: ['configuration', camera],
    run: (scene) => scene.station.openAnew(camera),
  })),
  { ...whole, name: 'runtime is killed', run: (scene) => scene.restartRuntime('SIGKILL') },
  { ...whole, name: 'runtime is stopped', run: (scene) => scene.restartRuntime('SIGTERM') },
];
