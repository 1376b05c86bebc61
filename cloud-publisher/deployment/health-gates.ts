import { z } from 'zod';

const share = z.number().min(0).max(1);

/** When a wave stops. Each leaf has a default that suits most lines. */
export const healthGatesSchema = z.strictObject({
  maxFailedDevices: z.int().min(0).default(0),
  /** Of a wave's devices, how many must have the deployment by the time-out, else it is held. */
  minReachedPercent: z.number().min(0).max(100).default(50),
  /** Devices that may be worse than before or than the limits below. */
  maxWorseDevices: z.int().min(0).default(0),
  /** A device that has the deployment and reports nothing since then counts as worse. */
  isReportRequired: z.boolean().default(true),
  reportMaxAgeSeconds: z.number().positive().default(600),
  isReadyRequired: z.boolean().default(true),
  /** Below so many results in a device's window its rates say nothing. */
  minResults: z.int().min(1).default(20),
  /** Errors among results. */
  maxErrorRate: share.default(0.05),
  maxErrorRateIncrease: share.default(0.02),
  maxLatencyP95Ms: z.number().positive().optional(),
  maxLatencyIncreasePercent: z.number().min(0).default(50),
  /** How far the share of passes, fails or reviews among verdicts may move. */
  maxVerdictShareChange: share.default(0.25),
});

export type HealthGates = Readonly<z.infer<typeof healthGatesSchema>>;
