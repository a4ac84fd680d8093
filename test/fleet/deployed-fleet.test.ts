import { expect, it } from 'vitest';
import * as z from 'zod';
import { MAX_WAIT_SECONDS } from '../../lambda/contract.ts';
import { resourceOf, resourcesOf, synthesiseFleet } from '../infra/synthesise.ts';
import { DEPLOYED } from './deployed-fleet.ts';

const polledSchema = z.object({
  VisibilityTimeout: z.number(),
  MessageRetentionPeriod: z.number(),
  RedrivePolicy: z.object({ maxReceiveCount: z.number() }),
});
const mappingSchema = z.object({
  BatchSize: z.number(),
  ScalingConfig: z.object({ MaximumConcurrency: z.number() }),
});
const scheduleSchema = z.object({
  ScheduleExpression: z.string(),
  FlexibleTimeWindow: z.object({ Mode: z.string() }),
});

it('is simulated as it is synthesised', () => {
  const template = synthesiseFleet();
  const properties = (type: string, part?: string) => resourceOf(template, type, part).Properties;
  const polled = Object.values(template.Resources)
    .filter(({ Type }) => Type === 'AWS::SQS::Queue')
    .flatMap(({ Properties }) => polledSchema.safeParse(Properties).data ?? []);
  const queue = {
    VisibilityTimeout: DEPLOYED.visibilitySeconds,
    MessageRetentionPeriod: DEPLOYED.retentionSeconds,
    RedrivePolicy: { maxReceiveCount: DEPLOYED.maxReceives },
  };
  expect(polled).toEqual([queue, queue]);
  const mappings = resourcesOf(template, 'AWS::Lambda::EventSourceMapping').map((each) =>
    mappingSchema.parse(each.Properties),
  );
  expect(mappings).toEqual(
    [DEPLOYED.maximumConcurrency, DEPLOYED.retryConcurrency].map((MaximumConcurrency) => ({
      BatchSize: DEPLOYED.batchSize,
      ScalingConfig: { MaximumConcurrency },
    })),
  );
  expect(scheduleSchema.parse(properties('AWS::Scheduler::Schedule'))).toEqual({
    ScheduleExpression: `rate(${DEPLOYED.tickMinutes} minutes)`,
    FlexibleTimeWindow: { Mode: 'OFF' },
  });
  expect(DEPLOYED.windowMinutes).toBe(0);
  const Timeout = DEPLOYED.timeoutSeconds + MAX_WAIT_SECONDS;
  expect(properties('AWS::Lambda::Function', 'Refresh')).toMatchObject({ Timeout });
});
