import { type Alarm, AlarmStatusWidget, Dashboard, type IWidget, TextWidget } from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import type { OperatorCommand } from '../account-commands.ts';

export interface OverviewProps {
  readonly alarms: readonly Alarm[];
  readonly guide: readonly OperatorCommand[];
  readonly runbookUrl: string | undefined;
  /** Widgets below the alarms and the guide. */
  readonly rows: readonly (readonly IWidget[])[];
}

/** Dashboard: the alarms, a guide, and the rows of the stack. */
export class Overview extends Construct {
  readonly dashboardName: string;

  constructor(scope: Construct, id: string, { alarms, guide, runbookUrl, rows }: OverviewProps) {
    super(scope, id);
    const status = new AlarmStatusWidget({ title: 'Alarms', alarms: [...alarms], width: 24, height: 3 });
    const widgets = [[status], [toGuide(guide, runbookUrl)], ...rows.map((row) => [...row])];
    this.dashboardName = new Dashboard(this, 'Dashboard', { widgets }).dashboardName;
  }
}

/** Returns the guide, in Markdown. */
function toGuide(commands: readonly OperatorCommand[], runbookUrl: string | undefined): IWidget {
  const runbook = runbookUrl === undefined ? '`docs/runbook.md`' : `[the runbook](${runbookUrl})`;
  const lines = commands.flatMap(({ description, command }) => [`# ${description}`, command]);
  const markdown = [
    `**What to do:** ${runbook} has an entry for each alarm and each error code. In AWS CloudShell:`,
    '```',
    ...lines,
    '```',
  ].join('\n');
  return new TextWidget({ markdown, width: 24, height: 6 });
}
