import { VedetteError } from '../../contract/errors.ts';
import type { MessageChannel } from '../../contract/message-channel.ts';
import type { TriggerConfig } from '../../contract/trigger-config.ts';
import { openCronTrigger } from './cron-trigger.ts';
import { openDifferenceTrigger } from './difference-trigger.ts';
import { openFolderTrigger } from './folder-trigger.ts';
import type { FrameWatchers } from './frame-watchers.ts';
import { openGpioTrigger } from './gpio-trigger.ts';
import { openModbusTrigger } from './modbus-trigger.ts';
import { openMqttTrigger } from './mqtt-trigger.ts';
import { openOpcuaTrigger } from './opcua-trigger.ts';
import type { OpcuaMeans } from '../../field-io/opcua-address.ts';
import { openScheduleTrigger } from './schedule-trigger.ts';
import type { TriggerListener, TriggerSource } from './trigger-source.ts';

export interface TriggerMeans extends OpcuaMeans {
  /** Where messages come from; nowhere when absent. */
  readonly channel: MessageChannel | undefined;
  /** What shows the frames of cameras. */
  readonly frames: FrameWatchers;
}

/** @throws VedetteError CHANNEL_OFFLINE when there is nowhere that messages could come from */
export function openTrigger(
  config: TriggerConfig,
  listener: TriggerListener,
  { channel, frames, ...opcua }: TriggerMeans,
): TriggerSource {
  switch (config.kind) {
    case 'schedule':
      return openScheduleTrigger(config, listener);
    case 'cron':
      return openCronTrigger(config, listener);
    case 'folder':
      return openFolderTrigger(config, listener);
    case 'difference':
      return openDifferenceTrigger(config, listener, frames);
    case 'modbus':
      return openModbusTrigger(config, listener);
    case 'opcua':
      return openOpcuaTrigger(config, listener, opcua);
    case 'gpio':
      return openGpioTrigger(config, listener);
    case 'mqtt': {
      if (channel) return openMqttTrigger(config, channel, listener);
      const why = 'there is neither Greengrass nor `delivery.mqtt`';
      throw new VedetteError('CHANNEL_OFFLINE', `nothing is heard on ${config.topic}: ${why}`);
    }
  }
}
