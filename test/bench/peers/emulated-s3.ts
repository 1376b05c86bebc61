import { EmulatedAws } from '../../support/emulated-aws/emulated-aws.ts';

/** The emulated S3 in a process of its own, so that it does not share a thread with its client. */
const aws = await EmulatedAws.start();
console.log(JSON.stringify({ address: aws.s3.address }));
