/** Public prices of us-east-1 in US dollars, before any free tier. */
export const PRICES = {
  secret: { dollars: 0.4, of: 'a secret, a month', page: 'https://aws.amazon.com/secrets-manager/pricing/' },
  call: {
    dollars: 0.05 / 10_000,
    of: 'a call of Secrets Manager',
    page: 'https://aws.amazon.com/secrets-manager/pricing/',
  },
  invocation: { dollars: 0.2 / 1e6, of: 'a run of a function', page: 'https://aws.amazon.com/lambda/pricing/' },
  gbSecond: {
    dollars: 0.0000133334,
    of: 'a GB-second of a function on arm64',
    page: 'https://aws.amazon.com/lambda/pricing/',
  },
  queueRequest: { dollars: 0.4 / 1e6, of: 'a request to a queue', page: 'https://aws.amazon.com/sqs/pricing/' },
  tick: { dollars: 1 / 1e6, of: 'a tick of the schedule', page: 'https://aws.amazon.com/eventbridge/pricing/' },
  event: { dollars: 1 / 1e6, of: 'an event', page: 'https://aws.amazon.com/eventbridge/pricing/' },
  alarmMetric: {
    dollars: 0.1,
    of: 'a metric of an alarm, a month',
    page: 'https://aws.amazon.com/cloudwatch/pricing/',
  },
  compositeAlarm: {
    dollars: 0.5,
    of: 'an alarm over alarms, a month',
    page: 'https://aws.amazon.com/cloudwatch/pricing/',
  },
  trailEvent: {
    dollars: 2 / 100_000,
    of: 'an event of CloudTrail, in each trail but the first',
    page: 'https://aws.amazon.com/cloudtrail/pricing/',
  },
  guardDutyEvent: {
    dollars: 4 / 1e6,
    of: 'an event of CloudTrail that GuardDuty analyzes',
    page: 'https://aws.amazon.com/guardduty/pricing/',
  },
  metric: { dollars: 0.3, of: 'a custom metric, a month', page: 'https://aws.amazon.com/cloudwatch/pricing/' },
  dashboard: { dollars: 3, of: 'a dashboard, a month', page: 'https://aws.amazon.com/cloudwatch/pricing/' },
  logGb: {
    dollars: 0.53,
    of: 'a GB of logs, taken and kept for a month',
    page: 'https://aws.amazon.com/cloudwatch/pricing/',
  },
} as const;

export function renderPrices(): string {
  const rows = Object.values(PRICES).map(({ dollars, of, page }) => {
    const isSmall = dollars < 0.001;
    const price = isSmall ? `${Number((dollars * 1e6).toFixed(4))} a million` : String(dollars);
    return `| ${of} | ${price} | [${new URL(page).pathname.split('/')[1]}](${page}) |`;
  });
  return ['| | US dollars | |', '|---|---|---|', ...rows].join('\n');
}
