import { ArnFormat, Stack } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Schedule, ScheduleExpression, ScheduleTargetInput, TimeWindow } from 'aws-cdk-lib/aws-scheduler';
import { LambdaInvoke } from 'aws-cdk-lib/aws-scheduler-targets';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { eventAge } from '../options/schedule-limits.ts';
import type { TokenRefreshSettings } from '../options/schema.ts';
import { allow, allowKeyThrough } from './statements.ts';

const DELIVERY_RETRIES = 5;

export interface RefreshScheduleProps
  extends Pick<TokenRefreshSettings, 'interval' | 'flexibleWindow' | 'encryptionKey'> {
  readonly description: string;
  readonly roleDescription: string;
  /** Event that the function receives. */
  readonly input: object;
  readonly lambdaFunction: IFunction;
  readonly undeliveredTicks: IQueue;
}

/** Schedule of the ticks, with a role that may invoke only this function. */
export class RefreshSchedule extends Construct {
  readonly schedule: Schedule;
  readonly role: Role;

  constructor(scope: Construct, id: string, props: RefreshScheduleProps) {
    super(scope, id);
    this.role = this.createRole(props);
    const { description, interval, flexibleWindow } = props;
    this.schedule = new Schedule(this, 'Schedule', {
      description,
      // `ScheduleExpression.rate` would write 60 minutes as 1 hour.
      schedule: ScheduleExpression.expression(`rate(${interval.toMinutes()} minutes)`),
      timeWindow: flexibleWindow.toSeconds() === 0 ? TimeWindow.off() : TimeWindow.flexible(flexibleWindow),
      target: new LambdaInvoke(props.lambdaFunction, {
        // Without an input, EventBridge Scheduler sends a notification of its own, which the function rejects.
        input: ScheduleTargetInput.fromObject(props.input),
        // CDK would also allow every version and alias of the function.
        role: this.role.withoutPolicyUpdates(),
        deadLetterQueue: props.undeliveredTicks,
        retryAttempts: DELIVERY_RETRIES,
        maxEventAge: eventAge(interval),
      }),
    });
    this.schedule.node.addDependency(this.role);
  }

  private createRole({ roleDescription, encryptionKey, lambdaFunction, undeliveredTicks }: RefreshScheduleProps): Role {
    const stack = Stack.of(this);
    const role = new Role(this, 'Role', {
      description: roleDescription,
      // Without conditions, a schedule in another AWS account could use this role (the confused deputy).
      assumedBy: new ServicePrincipal('scheduler.amazonaws.com', {
        conditions: {
          StringEquals: {
            'aws:SourceAccount': stack.account,
            'aws:SourceArn': stack.formatArn({
              service: 'scheduler',
              resource: 'schedule-group',
              resourceName: 'default',
              arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
            }),
          },
        },
      }),
    });
    role.addToPolicy(allow('InvokeFunction', ['lambda:InvokeFunction'], [lambdaFunction.functionArn]));
    role.addToPolicy(allow('KeepUndeliveredTicks', ['sqs:SendMessage'], [undeliveredTicks.queueArn]));
    for (const statement of allowKeyThrough(this, 'EncryptUndeliveredTicks', 'sqs', encryptionKey)) {
      role.addToPolicy(statement);
    }
    return role;
  }
}
