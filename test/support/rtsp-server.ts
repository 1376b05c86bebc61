import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface, type Interface } from 'node:readline';
import path from 'node:path';

/** Debian packages without which the server cannot run. */
export const RTSP_SERVER_PACKAGES = [
  'python3-gi',
  'gir1.2-gst-rtsp-server-1.0',
  'gstreamer1.0-plugins-base',
  'gstreamer1.0-plugins-good',
  'gstreamer1.0-plugins-bad',
  'gstreamer1.0-plugins-ugly',
] as const;

// Debian's own interpreter: the bindings are not visible to another one.
const PYTHON = '/usr/bin/python3';

/** Whether the server can run here. In CI it must. */
export function hasRtspServer(): boolean {
  const check =
    'import gi; gi.require_version("GstRtspServer", "1.0"); from gi.repository import Gst, GstRtspServer; ' +
    'Gst.init(None); assert all(Gst.ElementFactory.find(name) for name in ("x264enc", "h264parse", "rtph264pay", "qtdemux"))';
  const isThere = spawnSync(PYTHON, ['-c', check]).status === 0;
  if (!isThere && process.env['CI'] !== undefined) {
    throw new Error(
      `the RTSP server is missing: apt-get install ${RTSP_SERVER_PACKAGES.join(' ')}`,
    );
  }
  return isThere;
}

export interface RtspServerOptions {
  /** Served at /clip. */
  readonly clip?: string;
  readonly username?: string;
  readonly password?: string;
  /** Of /live, such as 320x240. */
  readonly size?: string;
  /** Of /live, in pictures a second; 25 unless given. */
  readonly rate?: number;
  /** Of /live, as videotestsrc names it; a moving ball unless given. */
  readonly pattern?: string;
  readonly port?: number;
}

/** A real RTSP server with a live test picture at /live, see rtsp-server.py. */
export class RtspServer {
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #answers: Interface;

  static async start(options: RtspServerOptions = {}): Promise<RtspServer> {
    const given = (flag: string, value: string | number | undefined) =>
      value === undefined ? [] : [flag, String(value)];
    const child = spawn(
      PYTHON,
      [
        path.join(import.meta.dirname, 'rtsp-server.py'),
        ...given('--clip', options.clip && path.resolve(options.clip)),
        ...given('--user', options.username),
        ...given('--password', options.password),
        ...given('--size', options.size),
        ...given('--rate', options.rate),
        ...given('--pattern', options.pattern),
        ...given('--port', options.port),
      ],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    );
    const answers = createInterface({ input: child.stdout });
    const [ready] = (await Promise.race([once(answers, 'line'), once(child, 'close')])) as [
      string | number,
    ];
    const port = /^ready (\d+)$/.exec(String(ready))?.[1];
    if (port === undefined) throw new Error(`the RTSP server did not start: ${ready}`);
    return new RtspServer(child, answers, Number(port));
  }

  private constructor(child: ChildProcess, answers: Interface, port: number) {
    this.#child = child;
    this.#answers = answers;
    this.port = port;
  }

  url(mount: 'live' | 'h265' | 'mjpeg' | 'clip'): string {
    return `rtsp://127.0.0.1:${this.port}/${mount}`;
  }

  /** `stall`, `resume`, `end`, `unready`, `ready`, `resize W H` or `rate N`; resolves when it is done. */
  async tell(command: string): Promise<void> {
    const answered = once(this.#answers, 'line');
    this.#child.stdin?.write(`${command}\n`);
    await answered;
  }

  /** Ends the server at once, as a pulled cable would. */
  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const closed = once(this.#child, 'close');
    this.#child.kill('SIGKILL');
    await closed;
  }
}
