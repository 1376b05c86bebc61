import {
  createClient,
  createDefaultClientConfig,
} from 'aws-iot-device-sdk-v2/dist/greengrasscoreipc.js';
import type { EmulatedNucleus } from './emulated-nucleus.ts';

export type SdkClient = ReturnType<typeof createClient>;

/** AWS' own client, connected: what the emulated nucleus must be good for, and ours is held against. */
export async function sdkClient(nucleus: EmulatedNucleus): Promise<SdkClient> {
  const client = createClient({
    ...createDefaultClientConfig(),
    hostName: nucleus.socketFile,
    connectTransform: async ({ message }) => ({
      ...message,
      payload: JSON.stringify({ authToken: nucleus.token }),
    }),
  });
  await client.connect();
  return client;
}
