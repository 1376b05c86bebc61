import type { CandidateStatus, VersionStatus } from '../contract/model-lifecycle.ts';
import type { ModelStatus } from '../contract/ports.ts';

/** The versions of a model for people. */
export function versionLines({ name, lifecycle }: ModelStatus): string {
  if (!lifecycle) return `${name}: nothing is known of its versions\n`;
  const { active, previous, candidate, isPinned, configuredPackage } = lifecycle;
  const lines = [
    `${name}${isPinned ? ', pinned' : ''}`,
    `  active     ${versionText(active)}`,
    ...(candidate ? candidateLines(candidate) : []),
    ...(previous
      ? [
          `  before     ${previous.package}${previous.warmUntilMs === undefined ? '' : `, warm until ${timeText(previous.warmUntilMs)}`}`,
        ]
      : []),
    ...(active.package === configuredPackage ? [] : [`  configured ${configuredPackage}`]),
  ];
  return `${lines.join('\n')}\n`;
}

function candidateLines(candidate: CandidateStatus): string[] {
  const { mode, cameras, shadow, canary = {}, labels } = candidate;
  const where = cameras.length === 0 ? '' : ` on ${cameras.join(', ')}`;
  const lines = [`  ${mode.padEnd(10)} ${versionText(candidate)}${where}`];
  if (shadow) {
    const { compared, agreed, dropped, failed, activeMs, candidateMs } = shadow;
    const rate = compared === 0 ? '' : ` (${((agreed / compared) * 100).toFixed(1)} %)`;
    lines.push(
      `             agreed on ${agreed} of ${compared} frames${rate}, failed on ${failed}, did not see ${dropped}`,
    );
    if (activeMs && candidateMs) {
      lines.push(
        `             median ${candidateMs.median.toFixed(1)} ms at low priority, active ${activeMs.median.toFixed(1)} ms`,
      );
    }
    for (const { resultId, camera, active, candidate: other } of shadow.disagreements.slice(0, 5)) {
      lines.push(`             ${camera} ${resultId}: active ${active}, candidate ${other}`);
    }
  }
  for (const [camera, { results, fails, reviews, errors, medianMs }] of Object.entries(canary)) {
    const speed = medianMs === undefined ? '' : `, median ${medianMs.toFixed(1)} ms`;
    lines.push(
      `             ${camera}: ${results} results, fail ${fails}, review ${reviews}, error ${errors}${speed}`,
    );
  }
  if (labels) {
    const { active, candidate: other } = labels;
    lines.push(
      `             by labels: active right ${active.right} of ${active.labelled}, candidate ${other.right} of ${other.labelled}`,
    );
  }
  return lines;
}

function versionText({ package: named, identity, state, reason }: VersionStatus): string {
  const which = identity
    ? ` ${identity.version}, ${identity.variant} on ${identity.executionProvider}`
    : '';
  return `${named}${which}, ${state}${reason ? `: ${reason.message}` : ''}`;
}

const timeText = (atMs: number): string =>
  `${new Date(atMs).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
