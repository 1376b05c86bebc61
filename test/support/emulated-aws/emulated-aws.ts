import type { EmulatedKeys } from './credentials.ts';
import type { EmulatedFleet } from './emulated-fleet.ts';
import { EmulatedGreengrass } from './greengrass-server.ts';
import { EmulatedIotData } from './iot-data-server.ts';
import { EmulatedIot } from './iot-server.ts';
import type { LoopbackServer } from './loopback-server.ts';
import { EmulatedSageMaker } from './sagemaker-server.ts';
import { EmulatedS3 } from './s3-server.ts';
import { EmulatedSts } from './sts-server.ts';

export const REGION = 'eu-west-1';
export const BUCKET = 'models-of-the-line';
export const ACCESS_KEY = 'AKIAEMULATED';
const EXPIRED_KEY = 'AKIAEXPIRED';

/** S3, Greengrass, STS, IoT and SageMaker of one account on the loopback interface. */
export class EmulatedAws {
  readonly keys: EmulatedKeys = new Map([
    [ACCESS_KEY, { state: 'valid', denied: new Set<string>() }],
    [EXPIRED_KEY, { state: 'expired', denied: new Set<string>() }],
  ]);
  readonly s3 = new EmulatedS3(this.keys);
  readonly greengrass = new EmulatedGreengrass(this.keys, this.s3, REGION);
  readonly sts = new EmulatedSts(this.keys);
  readonly iot = new EmulatedIot(this.keys, this.fleet);
  readonly iotData = new EmulatedIotData(this.keys, this.fleet);
  readonly sagemaker = new EmulatedSageMaker(this.keys, this.s3, REGION);

  static async start(): Promise<EmulatedAws> {
    const aws = new EmulatedAws();
    await Promise.all(aws.servers.map((server) => server.listen()));
    aws.s3.buckets.set(BUCKET, REGION);
    aws.s3.buckets.set('models-overseas', 'us-east-2');
    return aws;
  }

  /** Surroundings in which AWS' SDK finds these services and no others. */
  environment(key: 'valid' | 'expired' | 'unknown' = 'valid'): Record<string, string> {
    const keys = { valid: ACCESS_KEY, expired: EXPIRED_KEY, unknown: 'AKIANOBODY' };
    return {
      AWS_ACCESS_KEY_ID: keys[key],
      AWS_SECRET_ACCESS_KEY: 'emulated',
      AWS_REGION: REGION,
      AWS_ENDPOINT_URL_S3: this.s3.address,
      AWS_ENDPOINT_URL_GREENGRASSV2: this.greengrass.address,
      AWS_ENDPOINT_URL_STS: this.sts.address,
      AWS_ENDPOINT_URL_IOT: this.iot.address,
      AWS_ENDPOINT_URL_IOT_DATA_PLANE: this.iotData.address,
      AWS_ENDPOINT_URL_SAGEMAKER: this.sagemaker.address,
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_CONFIG_FILE: '/nonexistent',
      AWS_SHARED_CREDENTIALS_FILE: '/nonexistent',
    };
  }

  get fleet(): EmulatedFleet {
    return this.greengrass.fleet;
  }

  get servers(): LoopbackServer[] {
    return [this.s3, this.greengrass, this.sts, this.iot, this.iotData, this.sagemaker];
  }

  get denied(): Set<string> {
    return this.keys.get(ACCESS_KEY)!.denied;
  }

  /** Nothing stored, nothing broken, nothing counted. */
  reset(): void {
    for (const server of this.servers) {
      server.faults.length = 0;
      server.calls.length = 0;
      server.callers.length = 0;
      server.onCall = () => undefined;
      server.onBody = () => undefined;
    }
    this.s3.objects.clear();
    this.s3.uploads.clear();
    this.greengrass.reset();
    this.sagemaker.reset();
    this.denied.clear();
  }

  async close(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.close()));
  }
}
