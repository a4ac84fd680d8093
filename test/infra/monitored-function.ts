import * as z from 'zod';
import type { LambdaProcess } from '../sandbox/lambda/lambda-process.ts';
import { endingOf } from '../support/in-sandbox.ts';
import { FUNCTION_NAME } from './deployed-template.ts';
import { type Datapoint, parseEmbeddedMetrics } from './embedded-metrics.ts';
import { type Alarm, parseAlarm, watchAlarm } from './evaluate-alarm.ts';
import { type Attributes, resolveText } from './resolve-intrinsics.ts';
import { resourceOf, type SynthesisedTemplate } from './synthesise.ts';

const MINUTE_MS = 60_000;
/** Minutes from the first attempt to each one that Lambda makes of an asynchronous event. */
const ATTEMPT_MINUTES = [0, 1, 3];

const invokeConfigSchema = z.object({
  MaximumRetryAttempts: z.int(),
  DestinationConfig: z.object({ OnFailure: z.object({ Destination: z.unknown() }) }),
});
const scheduleSchema = z.object({
  Target: z.object({ Input: z.string(), DeadLetterConfig: z.object({ Arn: z.unknown() }) }),
});

const storySchema = z.looseObject({
  timestamp: z.string(),
  outcome: z.string(),
  code: z.string().optional(),
  runbook: z.string().optional(),
  expiresAt: z.string().optional(),
});
export type Story = z.output<typeof storySchema>;

interface Run {
  readonly minute: number;
  readonly beganAtMs: number;
  readonly endedAtMs: number;
}

/**
 * The function as Lambda, EventBridge Scheduler, SQS and CloudWatch see it. Output and endings of its runs become metrics, on
 * a clock that the test moves.
 */
export class MonitoredFunction {
  readonly #lambda: LambdaProcess;
  readonly #attributes: Attributes;
  readonly #alarms: ReadonlyMap<string, Alarm>;
  readonly #invokeConfig: z.output<typeof invokeConfigSchema>;
  readonly #target: z.output<typeof scheduleSchema>['Target'];
  readonly #runs: Run[] = [];
  /** Metrics of AWS's own services. */
  readonly #ofServices: Datapoint[] = [];

  constructor(lambda: LambdaProcess, template: SynthesisedTemplate, attributes: Attributes) {
    this.#lambda = lambda;
    this.#attributes = attributes;
    this.#alarms = alarmsOf(template, attributes);
    this.#invokeConfig = invokeConfigSchema.parse(resourceOf(template, 'AWS::Lambda::EventInvokeConfig').Properties);
    this.#target = scheduleSchema.parse(resourceOf(template, 'AWS::Scheduler::Schedule').Properties).Target;
  }

  /** By hand, once. @returns how it ended */
  async invoke(event: object, minute: number): Promise<string> {
    const beganAtMs = Date.now();
    const invocation = await this.#lambda.invoke(event);
    this.#runs.push({ minute, beganAtMs, endedAtMs: Date.now() });
    const dimensions = { FunctionName: FUNCTION_NAME };
    const value = invocation.kind === 'result' ? 0 : 1;
    this.#ofServices.push({
      namespace: 'AWS/Lambda',
      metricName: 'Errors',
      dimensions,
      atMs: minute * MINUTE_MS,
      value,
    });
    return endingOf(invocation);
  }

  /** By the schedule, with Lambda's retry; what fails on both goes to the on-failure destination. */
  async tick(minute: number): Promise<readonly string[]> {
    const { Input } = this.#target;
    const { MaximumRetryAttempts, DestinationConfig } = this.#invokeConfig;
    const endings: string[] = [];
    for (const after of ATTEMPT_MINUTES.slice(0, MaximumRetryAttempts + 1)) {
      endings.push(await this.invoke(JSON.parse(Input), minute + after));
      if (this.#ofServices.at(-1)?.value === 0) return endings;
    }
    this.#countMessage(DestinationConfig.OnFailure.Destination, minute + MaximumRetryAttempts + 1);
    return endings;
  }

  /** A tick that EventBridge Scheduler could not deliver. */
  loseTick(minute: number): void {
    this.#countMessage(this.#target.DeadLetterConfig.Arn, minute);
  }

  #countMessage(queueArn: unknown, minute: number): void {
    const QueueName = resolveText(queueArn, this.#attributes).split(':').at(-1) ?? '';
    this.#ofServices.push({
      namespace: 'AWS/SQS',
      metricName: 'NumberOfMessagesSent',
      dimensions: { QueueName },
      atMs: minute * MINUTE_MS,
      value: 1,
    });
  }

  /**
   * The alarms that fired in some minute of the time watched.
   *
   * @param sinceMinute when the watch begins to count; the states before are known to it
   */
  async firing(sinceMinute: number, untilMinute: number): Promise<readonly string[]> {
    // What it printed is whole once it has ended.
    await this.#lambda.stop();
    const datapoints = [
      ...this.#ofServices,
      ...parseEmbeddedMetrics(this.#lambda.stdout).map((each) => this.#shift(each)),
    ];
    return [...this.#alarms]
      .filter(([, alarm]) => watchAlarm(alarm, datapoints, 0, untilMinute).slice(sinceMinute).includes('ALARM'))
      .map(([name]) => name)
      .sort();
  }

  /** Every value that the function sent of one of its metrics, once {@link firing} has ended it. */
  valuesOf(metricName: string): readonly number[] {
    const datapoints = parseEmbeddedMetrics(this.#lambda.stdout);
    return datapoints.filter((each) => each.metricName === metricName).map(({ value }) => value);
  }

  /** Returns the text of an alarm's email. */
  textOf(name: string): string {
    return this.#alarms.get(name)?.text ?? '';
  }

  /** Lines of runs in the log, as `LogsCommand` shows them after {@link firing} has ended the function. */
  get stories(): readonly Story[] {
    const lines = [...this.#lambda.stdout.split('\n'), ...this.#lambda.stderr.split('\n')];
    const stories = lines.flatMap((line) =>
      line.includes('"durationMs"') ? [storySchema.parse(JSON.parse(line))] : [],
    );
    return stories.sort((a, b) => a.timestamp.localeCompare(b.timestamp));
  }

  /** From the time of the run to the time of the test. */
  #shift(datapoint: Datapoint): Datapoint {
    const run = this.#runs.find(
      ({ beganAtMs, endedAtMs }) => datapoint.atMs >= beganAtMs && datapoint.atMs <= endedAtMs,
    );
    if (run === undefined) throw new Error(`${datapoint.metricName} is of no run`);
    return { ...datapoint, atMs: run.minute * MINUTE_MS };
  }
}

/** The alarms of a template, by what their logical ids say. */
export function alarmsOf({ Resources }: SynthesisedTemplate, attributes: Attributes): ReadonlyMap<string, Alarm> {
  const alarms = Object.entries(Resources).filter(([, { Type }]) => Type === 'AWS::CloudWatch::Alarm');
  return new Map(
    alarms.map(([id, { Properties }]) => [
      id.replace(/^(?:TokenRefresh|Fleet)Alarms(.+).{8}$/, '$1'),
      parseAlarm(Properties, attributes),
    ]),
  );
}
