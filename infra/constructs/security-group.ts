import { type ISecurityGroup, type IVpc, SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import type { Construct } from 'constructs';
import { isCdkObject } from '../options/option-types.ts';

interface NetworkProps {
  readonly vpc?: IVpc;
  readonly securityGroups?: readonly ISecurityGroup[];
}

/**
 * Returns props with a security group that allows only outbound traffic, like CDK's own functions. Without a VPC, or with the
 * app's own groups, it returns the props unchanged.
 */
export function withSecurityGroup<Props extends NetworkProps>(scope: Construct, props: Props): Props {
  // JavaScript allows an app to pass anything. Later, one list reports the mistakes in all props.
  const vpc = props?.vpc;
  if (vpc === undefined || !isCdkObject(vpc, 'vpcId') || props.securityGroups !== undefined) return props;
  const group = new SecurityGroup(scope, 'SecurityGroup', {
    vpc,
    description: 'The function that refreshes the Retently access token',
  });
  return { ...props, securityGroups: [group] };
}
