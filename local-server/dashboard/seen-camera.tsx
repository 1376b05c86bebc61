import { Box, Button, KeyValuePairs, SpaceBetween } from '@cloudscape-design/components';
import { useRef, useState } from 'react';
import type { DropReason } from '../../component/contract/frame.ts';
import { configurationLines, type SeenSource, type SourceForm } from './camera-search.ts';
import { DROP_WORDS, counted, millisecondsText } from './operator-words.ts';

interface SeenCameraProps {
  seen: SeenSource;
  form: SourceForm;
  models: readonly string[];
}

/** What a source gave, its last picture, and how it becomes a camera. */
export function SeenCamera({ seen, form, models }: SeenCameraProps) {
  const { still, width, height } = seen;
  return (
    <SpaceBetween size="l">
      <div className="seen-camera">
        <img
          src={`data:${still.contentType};base64,${still.base64}`}
          width={width}
          height={height}
          alt={`Last picture of ${form.address.trim()}`}
        />
        <KeyValuePairs columns={2} items={facts(seen)} />
      </div>
      <ConfigurationLines text={configurationLines(form, models[0])} />
    </SpaceBetween>
  );
}

function facts(seen: SeenSource) {
  const { width, height, format, frames, framesPerSecond, longestGapMs = 0 } = seen;
  const dropped = (Object.entries(seen.framesDropped) as [DropReason, number][])
    // Nobody looked at these; it was only counted.
    .filter(([reason, count]) => reason !== 'overwritten' && count > 0)
    .map(([reason, count]) => `${count} ${DROP_WORDS[reason]}`);
  return [
    { label: 'Size', value: `${width} × ${height}` },
    { label: 'Format', value: format },
    {
      label: 'Rate',
      value:
        framesPerSecond === undefined
          ? 'Unknown: only one picture came'
          : `${framesPerSecond.toFixed(2)} a second, longest gap ${millisecondsText(longestGapMs)}`,
    },
    { label: 'Delay from arrival', value: millisecondsText(seen.delayMs) },
    {
      label: 'Pictures',
      value: `${counted(frames, 'picture')}, the first after ${millisecondsText(seen.firstFrameMs)}`,
    },
    ...(dropped.length === 0 ? [] : [{ label: 'Left out', value: dropped.join(', ') }]),
  ];
}

function ConfigurationLines({ text }: { text: string }) {
  const lines = useRef<HTMLPreElement>(null);
  const [isCopied, setIsCopied] = useState(false);
  const copy = () => {
    // The clipboard of scripts is for pages over HTTPS; a selection can be copied everywhere.
    const selection = window.getSelection();
    if (lines.current === null || selection === null) return;
    selection.selectAllChildren(lines.current);
    setIsCopied(document.execCommand('copy'));
  };
  return (
    <section aria-label="Lines for the configuration">
      <Box variant="awsui-key-label">Lines for the configuration</Box>
      <pre ref={lines} className="configuration-lines" tabIndex={0}>
        {text}
      </pre>
      <SpaceBetween size="s" direction="horizontal" alignItems="center">
        <Button iconName="copy" onClick={copy}>
          Copy
        </Button>
        <span role="status" className="secondary">
          {isCopied && 'Copied'}
        </span>
      </SpaceBetween>
    </section>
  );
}
