import * as z from 'zod';

/** One value of one CloudWatch metric. */
export interface Datapoint {
  readonly namespace: string;
  readonly metricName: string;
  /** All sets, because CloudWatch stores each set of dimensions as a separate metric. */
  readonly dimensions: Readonly<Record<string, string>>;
  readonly atMs: number;
  readonly value: number;
}

/** @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html */
const embeddedSchema = z.looseObject({
  _aws: z.object({
    Timestamp: z.int(),
    CloudWatchMetrics: z.array(
      z.object({
        Namespace: z.string().min(1).max(1_024),
        Dimensions: z.array(z.array(z.string()).max(30)),
        Metrics: z.array(z.object({ Name: z.string().min(1) })).max(100),
      }),
    ),
  }),
});
const valuesSchema = z.union([z.array(z.number()).max(100), z.number().transform((value) => [value])]);

/**
 * Returns the metrics that CloudWatch extracts from a function's output: each metric of each line in the Embedded Metric
 * Format, once per set of dimensions. Other lines are ignored.
 *
 * @throws Error for a line with `_aws` that breaks the format, which CloudWatch would silently drop
 */
export function parseEmbeddedMetrics(output: string): readonly Datapoint[] {
  return output.split('\n').flatMap((line) => {
    const parsed = toObject(line);
    return parsed === undefined || !('_aws' in parsed) ? [] : toDatapoints(embeddedSchema.parse(parsed));
  });
}

function toDatapoints({ _aws, ...members }: z.output<typeof embeddedSchema>): readonly Datapoint[] {
  return _aws.CloudWatchMetrics.flatMap(({ Namespace, Dimensions, Metrics }) =>
    Dimensions.flatMap((names) => {
      const dimensions = Object.fromEntries(names.map((name) => [name, z.string().min(1).parse(members[name])]));
      return Metrics.flatMap(({ Name }) =>
        valuesSchema.parse(members[Name]).map((value) => ({
          namespace: Namespace,
          metricName: Name,
          dimensions,
          atMs: _aws.Timestamp,
          value,
        })),
      );
    }),
  );
}

function toObject(line: string): object | undefined {
  try {
    return z.looseObject({}).safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}
