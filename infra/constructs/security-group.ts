import { type ISecurityGroup, type IVpc, SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import type { Construct } from 'constructs';

interface NetworkProps {
  readonly vpc?: IVpc;
  readonly securityGroups?: readonly ISecurityGroup[];
}

/**
 * Returns props with a security group, as CDK's own functions have one: outbound traffic only. Without a VPC, or with groups of
 * the app, the props stay as they are.
 */
export function withSecurityGroup<Props extends NetworkProps>(scope: Construct, props: Props): Props {
  // What JavaScript lets an app pass is judged with all other props, in one list of mistakes.
  const vpc = props?.vpc;
  if (typeof vpc?.vpcId !== 'string' || props.securityGroups !== undefined) return props;
  const group = new SecurityGroup(scope, 'SecurityGroup', {
    vpc,
    description: 'The function that refreshes the Retently access token',
  });
  return { ...props, securityGroups: [group] };
}
