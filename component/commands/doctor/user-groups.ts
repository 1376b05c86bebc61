import { existsSync } from 'node:fs';
import { CheckResults, type Check } from './check.ts';
import { groupNumbers } from './user.ts';

const results = new CheckResults('user');
const GROUPS = ['video', 'render', 'gpio'] as const;

/** Whether the user is in the groups that what is configured needs. */
export const checkUserGroups: Check = async ({ user, config, running }) => {
  const numbers = await groupNumbers();
  const isIn = (group: string) => user.groups.includes(numbers.get(group) ?? NaN);
  const memberships = Object.fromEntries(
    GROUPS.map((group) => [group, numbers.has(group) ? isIn(group) : 'no such group']),
  );
  const facts = { name: user.name, uid: user.uid, groups: memberships };
  const who = `${running ? 'It runs' : 'It would run'} as ${user.name}`;
  if (user.uid === 0) {
    return [
      results.warning(
        `${who}, who may do everything`,
        'Let it run as a user of its own: runWith.posixUser of the deployment, User= of the unit.',
        facts,
      ),
    ];
  }
  const needs: Readonly<Record<(typeof GROUPS)[number], boolean>> = {
    video: Object.values(config.cameras).some(
      ({ isEnabled, source }) =>
        isEnabled && source.kind === 'ffmpeg' && source.url.startsWith('/dev/'),
    ),
    render:
      existsSync('/dev/dri') &&
      Object.values(config.models).some(({ executionProviders }) =>
        executionProviders.some(({ name }) => name !== 'cpu'),
      ),
    gpio: /"\/dev\/gpiochip\d/.test(JSON.stringify(config)),
  };
  const missing = GROUPS.filter((group) => needs[group] && numbers.has(group) && !isIn(group));
  if (missing.length > 0) {
    const list = missing.join(' and ');
    return [
      results.warning(
        `${who}, who is not in ${list}, which the configured devices usually want`,
        `usermod -aG ${missing.join(',')} ${user.name}, then restart the component.`,
        facts,
      ),
    ];
  }
  const member = GROUPS.filter(isIn);
  return [
    results.ok(
      `${who}, in ${member.length > 0 ? member.join(', ') : 'none'} of video, render, gpio`,
      facts,
    ),
  ];
};
