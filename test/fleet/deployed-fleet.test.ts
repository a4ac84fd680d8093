import { expect, it } from 'vitest';
import * as z from 'zod';
import { resourceOf, synthesiseFleet } from '../infra/synthesise.ts';
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
  FlexibleTimeWindow: z.object({ MaximumWindowInMinutes: z.number() }),
});

it('is simulated as it is synthesised', () => {
  const template = synthesiseFleet();
  const properties = (type: string, part?: string) => resourceOf(template, type, part).Properties;
  const [polled] = Object.values(template.Resources)
    .filter(({ Type }) => Type === 'AWS::SQS::Queue')
    .flatMap(({ Properties }) => polledSchema.safeParse(Properties).data ?? []);
  expect(polled).toEqual({
    VisibilityTimeout: DEPLOYED.visibilitySeconds,
    MessageRetentionPeriod: DEPLOYED.retentionSeconds,
    RedrivePolicy: { maxReceiveCount: DEPLOYED.maxReceives },
  });
  expect(mappingSchema.parse(properties('AWS::Lambda::EventSourceMapping'))).toEqual({
    BatchSize: DEPLOYED.batchSize,
    ScalingConfig: { MaximumConcurrency: DEPLOYED.maximumConcurrency },
  });
  expect(scheduleSchema.parse(properties('AWS::Scheduler::Schedule'))).toEqual({
    ScheduleExpression: `rate(${DEPLOYED.tickMinutes} minutes)`,
    FlexibleTimeWindow: { MaximumWindowInMinutes: DEPLOYED.windowMinutes },
  });
  expect(properties('AWS::Lambda::Function', 'Refresh')).toMatchObject({ Timeout: DEPLOYED.timeoutSeconds });
});
