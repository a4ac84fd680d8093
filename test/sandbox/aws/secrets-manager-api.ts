/** Requests and responses of the AWS Secrets Manager API, as far as the sandbox models it; names as AWS has them. */

export interface SecretValue {
  SecretString?: string | undefined;
  SecretBinary?: Uint8Array | undefined;
}

export interface SecretReference {
  SecretId: string;
}

export interface SecretIdentity {
  ARN: string;
  Name: string;
}

export interface Tag {
  Key: string;
  Value: string;
}

export interface CreateSecretRequest extends SecretValue {
  Name: string;
  Tags?: readonly Tag[] | undefined;
  ClientRequestToken?: string | undefined;
}

export interface CreateSecretResponse extends SecretIdentity {
  VersionId?: string;
}

export interface DescribeSecretResponse extends SecretIdentity {
  Tags?: Tag[];
  CreatedDate: Date;
  LastChangedDate: Date;
  DeletedDate?: Date;
  VersionIdsToStages?: Record<string, string[]>;
}

export interface GetSecretValueRequest extends SecretReference {
  VersionId?: string | undefined;
  VersionStage?: string | undefined;
}

export interface GetSecretValueResponse extends SecretIdentity, SecretValue {
  VersionId: string;
  VersionStages: string[] | undefined;
  CreatedDate: Date;
}

export interface BatchGetSecretValueRequest {
  SecretIdList: readonly string[];
  NextToken?: string | undefined;
}

export interface BatchGetSecretValueResponse {
  SecretValues: GetSecretValueResponse[];
  Errors: { SecretId: string; ErrorCode: string; Message: string }[];
  NextToken?: string;
}

export interface PutSecretValueRequest extends SecretReference, SecretValue {
  ClientRequestToken?: string | undefined;
  VersionStages?: readonly string[] | undefined;
}

export interface PutSecretValueResponse extends SecretIdentity {
  VersionId: string;
  VersionStages: string[] | undefined;
}

export interface UpdateSecretVersionStageRequest extends SecretReference {
  VersionStage: string;
  RemoveFromVersionId?: string | undefined;
  MoveToVersionId?: string | undefined;
}

export interface ListSecretVersionIdsRequest extends SecretReference {
  MaxResults?: number | undefined;
  NextToken?: string | undefined;
  IncludeDeprecated?: boolean | undefined;
}

export interface SecretVersionsListEntry {
  VersionId: string;
  VersionStages: string[] | undefined;
  CreatedDate: Date;
}

export interface ListSecretVersionIdsResponse extends SecretIdentity {
  Versions: SecretVersionsListEntry[];
  NextToken?: string;
}

export interface ListSecretsRequest {
  Filters?: readonly { readonly Key: 'tag-key' | 'tag-value'; readonly Values: readonly string[] }[] | undefined;
  MaxResults?: number | undefined;
  NextToken?: string | undefined;
  SortBy?: 'created-date' | 'last-changed-date' | undefined;
  SortOrder?: 'asc' | 'desc' | undefined;
}

interface SecretListEntry extends SecretIdentity {
  Tags?: Tag[];
  PrimaryRegion?: string;
}

export interface ListSecretsResponse {
  SecretList: SecretListEntry[];
  NextToken?: string;
}

export interface TagResourceRequest extends SecretReference {
  Tags: readonly Tag[];
}

export interface UntagResourceRequest extends SecretReference {
  TagKeys: readonly string[];
}

export interface DeleteSecretRequest extends SecretReference {
  RecoveryWindowInDays?: number | undefined;
  ForceDeleteWithoutRecovery?: boolean | undefined;
}

export interface DeleteSecretResponse extends SecretIdentity {
  DeletionDate: Date;
}
