import type { CameraStatus } from '../contract/ports.ts';

/** A camera in one line: `walkway   running  10.0 fps   pass 31  fail 2   model 44 ms`. */
export function cameraLine(camera: CameraStatus): string {
  const { pass, fail, review, error } = camera.outcomes;
  const outcomes = [
    `pass ${pass}`,
    `fail ${fail}`,
    ...(review > 0 ? [`review ${review}`] : []),
    ...(error > 0 ? [`error ${error}`] : []),
  ].join('  ');
  const dropped = Object.values(camera.framesDropped).reduce((sum, count) => sum + count, 0);
  const parts = [
    camera.name.padEnd(10),
    camera.state.padEnd(9),
    `${camera.framesPerSecond.toFixed(1).padStart(5)} fps`,
    outcomes.padEnd(24),
    `model ${camera.stageMs.run.toFixed(0)} ms`,
    ...(dropped > 0 ? [`dropped ${dropped}`] : []),
    ...(camera.reason && camera.state !== 'running' ? [camera.reason.message] : []),
  ];
  return parts.join('  ');
}
