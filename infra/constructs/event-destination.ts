import { ArnFormat, Stack, Token } from 'aws-cdk-lib';
import { EventBus } from 'aws-cdk-lib/aws-events';
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { EVENT_SOURCE } from '../../lambda/contract.ts';
import type { TokenRefreshSettings } from '../options/schema.ts';
import { allow } from './statements.ts';

/** Event bus to which the function publishes, if events are on. */
export class EventDestination extends Construct {
  /** `EventBusName` for `PutEvents`; empty if events are off. */
  readonly eventBusName: string;
  /** Resource of the event bus in a policy. */
  readonly policyArn: string | undefined;

  constructor(
    scope: Construct,
    id: string,
    { eventBus, publishEvents }: Pick<TokenRefreshSettings, 'eventBus' | 'publishEvents'>,
  ) {
    super(scope, id);
    if (!publishEvents) {
      this.eventBusName = '';
    } else if (typeof eventBus === 'object') {
      const created = new EventBus(this, 'EventBus', {
        eventBusName: eventBus.create,
        description: 'Events about the Retently access token',
      });
      this.eventBusName = created.eventBusName;
      this.policyArn = created.eventBusArn;
    } else {
      this.eventBusName = eventBus;
      // A value that is unresolved until deployment is the ARN of an IEventBus.
      const isArn = Token.isUnresolved(eventBus) || eventBus.startsWith('arn:');
      this.policyArn = isArn ? eventBus : this.toArn(eventBus);
    }
  }

  /** Returns the statements for a function that publishes events. */
  get statements(): readonly PolicyStatement[] {
    if (this.policyArn === undefined) return [];
    // The key has one value per event of the call. `ForAllValues` also matches if there are none; `Null` excludes that.
    const onlyOurs = {
      'ForAllValues:StringEquals': { 'events:source': EVENT_SOURCE },
      Null: { 'events:source': 'false' },
    };
    return [allow('PublishEvents', ['events:PutEvents'], [this.policyArn], onlyOurs)];
  }

  private toArn(eventBusName: string): string {
    return Stack.of(this).formatArn({
      service: 'events',
      resource: 'event-bus',
      resourceName: eventBusName,
      arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
    });
  }
}
