/** Public prices of us-east-1 in US dollars, before any free tier. */
export const PRICES = {
  secret: { dollars: 0.4, of: 'secret, per month', page: 'https://aws.amazon.com/secrets-manager/pricing/' },
  call: {
    dollars: 0.05 / 10_000,
    of: 'Secrets Manager call',
    page: 'https://aws.amazon.com/secrets-manager/pricing/',
  },
  invocation: { dollars: 0.2 / 1e6, of: 'Lambda invocation', page: 'https://aws.amazon.com/lambda/pricing/' },
  gbSecond: {
    dollars: 0.0000133334,
    of: 'Lambda GB-second, arm64',
    page: 'https://aws.amazon.com/lambda/pricing/',
  },
  queueRequest: { dollars: 0.4 / 1e6, of: 'SQS request', page: 'https://aws.amazon.com/sqs/pricing/' },
  tick: { dollars: 1 / 1e6, of: 'tick of the schedule', page: 'https://aws.amazon.com/eventbridge/pricing/' },
  event: { dollars: 1 / 1e6, of: 'event', page: 'https://aws.amazon.com/eventbridge/pricing/' },
  alarmMetric: {
    dollars: 0.1,
    of: 'alarm metric, per month',
    page: 'https://aws.amazon.com/cloudwatch/pricing/',
  },
  compositeAlarm: {
    dollars: 0.5,
    of: 'composite alarm, per month',
    page: 'https://aws.amazon.com/cloudwatch/pricing/',
  },
  trailEvent: {
    dollars: 2 / 100_000,
    of: 'CloudTrail event, after the first trail',
    page: 'https://aws.amazon.com/cloudtrail/pricing/',
  },
  guardDutyEvent: {
    dollars: 4 / 1e6,
    of: 'CloudTrail event in GuardDuty',
    page: 'https://aws.amazon.com/guardduty/pricing/',
  },
  metric: { dollars: 0.3, of: 'custom metric, per month', page: 'https://aws.amazon.com/cloudwatch/pricing/' },
  dashboard: { dollars: 3, of: 'dashboard, per month', page: 'https://aws.amazon.com/cloudwatch/pricing/' },
  logGb: {
    dollars: 0.53,
    of: 'GB of logs, ingested and stored for a month',
    page: 'https://aws.amazon.com/cloudwatch/pricing/',
  },
} as const;

export function renderPrices(): string {
  const rows = Object.values(PRICES).map(({ dollars, of, page }) => {
    const isSmall = dollars < 0.001;
    const price = isSmall ? `${Number((dollars * 1e6).toFixed(4))} per million` : String(dollars);
    return `| [${of}](${page}) | ${price} |`;
  });
  return ['| item | US dollars |', '|---|---|', ...rows].join('\n');
}
