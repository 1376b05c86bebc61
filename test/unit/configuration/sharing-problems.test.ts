import { expect, it } from 'vitest';
import { sharingProblems } from '../../../component/configuration/sharing-problems.ts';

const messageOf = (other: string) => {
  const cameras = {
    gate: { source: { kind: 'test-pattern' } },
    second: { source: { kind: 'camera', camera: 'gate' } },
    pushed: { source: { kind: 'push' } },
    quality: { source: { kind: 'camera', camera: other } },
  };
  const [problem, ...more] = sharingProblems({ cameras });
  expect(more).toEqual([]);
  if (problem) expect(problem.path).toBe('cameras.quality.source.camera');
  return problem?.message;
};

it('a camera gets the frames of one that opens its source, and of no other', () => {
  expect(messageOf('gate')).toBeUndefined();
  expect(messageOf('quality')).toContain('the camera itself');
  expect(messageOf('dock')).toBe(
    'names the camera "dock", but configured are gate, second, pushed',
  );
  expect(messageOf('second')).toContain('has its frames from camera "gate"');
  expect(messageOf('pushed')).toContain('push it to both');
});
