import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { attributesOf, outputsOf } from './deployed-template.ts';
import { resolveText } from './resolve-intrinsics.ts';
import { resourceOf, synthesise, synthesiseFleet } from './synthesise.ts';

const bodySchema = z.object({
  widgets: z.array(
    z.object({
      type: z.string(),
      properties: z.looseObject({ title: z.string().optional(), markdown: z.string().optional() }),
    }),
  ),
});

/** The widgets of the dashboard, as CloudWatch gets them. */
function widgetsOf(options?: object) {
  const template = synthesise(options);
  const { DashboardBody } = resourceOf(template, 'AWS::CloudWatch::Dashboard').Properties;
  const { widgets } = bodySchema.parse(JSON.parse(resolveText(DashboardBody, attributesOf(template, 'arn'))));
  return {
    guide: widgets.find(({ type }) => type === 'text')?.properties.markdown ?? '',
    titled: (title: RegExp) => JSON.stringify(widgets.find(({ properties }) => title.test(properties.title ?? ''))),
  };
}

describe('the dashboard', () => {
  const { guide, titled } = widgetsOf();

  it.each(['StatusCommand', 'LogsCommand', 'ScheduleCommand'])('shows what to do, with the %s filled in', (id) => {
    const outputs = outputsOf(synthesise(), 'arn');
    expect(guide.split('\n')).toContain(outputs[id]);
  });

  it('leads to the runbook: the file, or its address', () => {
    expect(guide).toContain('`docs/runbook.md`');
    const { guide: linked } = widgetsOf({ runbookUrl: 'https://wiki.example.com/runbook' });
    expect(linked).toContain('[the runbook](https://wiki.example.com/runbook)');
  });

  it('shows the health of the last runs, and what to do, from the log of the function', () => {
    const health = titled(/^Health/);
    expect(health).toContain('TokenRefreshFunctionLogGroup');
    expect(health).toMatch(/fields @timestamp, health, action.*filter ispresent\(health\)/);
  });

  it('of a fleet shows the secrets that need attention, and what to do, from the log of the sweep', () => {
    const fleet = synthesiseFleet();
    const { DashboardBody } = resourceOf(fleet, 'AWS::CloudWatch::Dashboard').Properties;
    const body = resolveText(DashboardBody, attributesOf(fleet, ''));
    expect(body).toMatch(
      /SOURCE 'FleetSweepLogGroup[^|]*\| fields @timestamp, health, action[^"]*filter ispresent\(health\)/,
    );
  });

  it('shows hours, and the line at which the alarm fires', () => {
    const life = titled(/^Hours/);
    for (const expression of ['left / 3600', 'until / 3600']) expect(life).toContain(`"expression":"${expression}"`);
    expect(life).toMatch(/"annotations":\{"horizontal":\[\{"value":0,.*"label":"TokenExpiringSoon/);
  });

  it('shows failures by code, only of this function', () => {
    const search = `SEARCH('{RetentlyTokenRefresh,FunctionName,Code} MetricName=\\"RefreshFailed\\" FunctionName=\\"token-refresh\\"', 'Sum', 1800)`;
    expect(JSON.parse(titled(/by code/)).properties.metrics[0][0].expression).toBe(search.replaceAll('\\', ''));
  });

  it('shows how many messages are in each queue', () => {
    const queues = titled(/queues/);
    expect(queues.match(/ApproximateNumberOfMessagesVisible/g)).toHaveLength(2);
    for (const name of ['FailedRuns', 'UndeliveredTicks']) expect(queues).toContain(`TokenRefreshDeadLetters${name}`);
  });
});
