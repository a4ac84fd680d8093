import { ArnFormat, Stack, Token } from 'aws-cdk-lib';
import { EventBus } from 'aws-cdk-lib/aws-events';
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { EVENT_SOURCE } from '../../lambda/contract.ts';
import type { TokenRefreshSettings } from '../options/schema.ts';
import { allow } from './statements.ts';

/** The event bus that the function publishes on, if there is one. */
export class EventDestination extends Construct {
  /** The `EventBusName` of `PutEvents`; empty if there are no events. */
  readonly eventBusName: string;
  /** The resource of the bus in a policy. */
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
        description: 'What becomes of the Retently bearer token',
      });
      this.eventBusName = created.eventBusName;
      this.policyArn = created.eventBusArn;
    } else {
      this.eventBusName = eventBus;
      // What CDK knows at deploy time only is the ARN of an IEventBus.
      const isArn = Token.isUnresolved(eventBus) || eventBus.startsWith('arn:');
      this.policyArn = isArn ? eventBus : this.toArn(eventBus);
    }
  }

  /** What a function that publishes may do. */
  get statements(): readonly PolicyStatement[] {
    if (this.policyArn === undefined) return [];
    // The key has a value for each event of a call. `ForAllValues` passes if there is none, and `Null` rules that out.
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
