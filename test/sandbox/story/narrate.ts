import * as z from 'zod';
import { fingerprint } from '../../../lambda/core/fingerprint.ts';
import type { AwsCall } from '../aws/aws-server.ts';
import type { ReceivedRequest } from '../oauth/scripted-token-endpoint.ts';
import { TOKEN_SECRET_ID } from '../sandbox.ts';

/** A label and what happened, nothing secret in it. */
export type Line = readonly [label: string, text: string];

const stored = z.looseObject({
  kind: z.string().optional(),
  attempt: z.number().optional(),
  code: z.string().optional(),
  refresh_token: z.string().optional(),
  access_token: z.string().optional(),
});
const secret = z.object({ SecretId: z.string() });
const read = z.object({ VersionStage: z.string().optional(), VersionId: z.string().optional() });
const version = z.object({ VersionId: z.string(), SecretString: z.string() });
const put = z.object({ ClientRequestToken: z.string(), SecretString: z.string() });
const move = z.object({ RemoveFromVersionId: z.string().default('nothing'), MoveToVersionId: z.string() });
const page = z.object({ Versions: z.array(z.unknown()) });
const entries = z.object({ Entries: z.array(z.object({ DetailType: z.string(), EventBusName: z.string() })) });
const tokenAnswer = z.object({ access_token: z.string(), refresh_token: z.string(), expires_in: z.number() });
const errorAnswer = z.object({ error: z.string() });

/**
 * Returns the steps of one invocation, as AWS and the token endpoint saw them, in the order of arrival. Of the two parallel reads,
 * AWSCURRENT comes first.
 */
export function narrate(calls: readonly AwsCall[], requests: readonly ReceivedRequest[], event: object): Line[] {
  const documents: string[] = [];
  const described = [
    ...calls.map((call) => ({ beganAtMs: call.beganAtMs, lines: describeCall(call, documents, event) })),
    ...requests.map((request) => ({ beganAtMs: request.beganAtMs, lines: describeRequest(request) })),
  ];
  const lines = described.sort((one, other) => one.beganAtMs - other.beganAtMs).flatMap((each) => each.lines);
  for (const [index, line] of lines.entries()) {
    const next = lines[index + 1];
    const isOvertaken = isRead(line, 'TOKEN_REFRESH') && next !== undefined && isRead(next, 'AWSCURRENT');
    if (isOvertaken) lines.splice(index, 2, next, line);
  }
  return lines;
}

function isRead([label, text]: Line, stage: string): boolean {
  return label === 'read' && text.startsWith(stage);
}

/** Returns the lines of a call that concerns the token secret. */
function describeTokenSecretCall({ operation, input, output }: AwsCall): Line[] {
  switch (operation) {
    case 'GetSecretValue': {
      const found = version.safeParse(output).data;
      return [
        ['read', `the token secret: ${found === undefined ? 'nothing yet' : describeAccessToken(found.SecretString)}`],
      ];
    }
    case 'PutSecretValue': {
      const { ClientRequestToken, SecretString } = put.parse(input);
      const where = `the token secret ${shortId(ClientRequestToken)}`;
      return [['copied', `to ${where}: ${describeAccessToken(SecretString)}, for readers`]];
    }
    case 'UpdateSecretVersionStage': {
      const { RemoveFromVersionId, MoveToVersionId } = move.parse(input);
      return [
        [
          'promoted',
          `in the token secret, ${shortId(RemoveFromVersionId)} → ${shortId(MoveToVersionId)}, by compare-and-swap`,
        ],
      ];
    }
    default:
      return [];
  }
}

/** @param documents `SecretString` of each AWSCURRENT that was described before, to which this one may be added */
function describeCall(call: AwsCall, documents: string[], event: object): Line[] {
  const { operation, input, output } = call;
  if (secret.safeParse(input).data?.SecretId === TOKEN_SECRET_ID) return describeTokenSecretCall(call);
  switch (operation) {
    case 'GetSecretValue': {
      const found = version.safeParse(output).data;
      const wanted = read.parse(input);
      if (wanted.VersionStage === 'AWSCURRENT' && found !== undefined) documents.push(found.SecretString);
      return [describeRead(wanted, found)];
    }
    case 'ListSecretVersionIds': {
      const room = `${page.parse(output).Versions.length} of 100 versions exist: there is room for a claim and its answer`;
      return [
        ['due', why(documents.at(-1), event)],
        ['counted', room],
      ];
    }
    case 'PutSecretValue':
      return [describePut(put.parse(input))];
    case 'UpdateSecretVersionStage': {
      const { RemoveFromVersionId, MoveToVersionId } = move.parse(input);
      const swap = `${shortId(RemoveFromVersionId)} → ${shortId(MoveToVersionId)}`;
      return [['promoted', `AWSCURRENT ${swap}, by compare-and-swap`]];
    }
    case 'PutEvents':
      return entries.parse(input).Entries.map((entry) => ['event', `${entry.DetailType} → bus ${entry.EventBusName}`]);
    default:
      return [[operation, '']];
  }
}

function why(current: string | undefined, event: object): string {
  if ('force' in event) return `a person forces a refresh: ${JSON.stringify(event)}`;
  const hasAccessToken = current !== undefined && parseStored(current).access_token !== undefined;
  return hasAccessToken
    ? 'more than half of its lifetime is over, or its lifetime is unknown'
    : 'there is no access token yet';
}

function describeRead(
  { VersionStage, VersionId }: z.infer<typeof read>,
  found: z.infer<typeof version> | undefined,
): Line {
  if (VersionStage === undefined) {
    const answer = found === undefined ? 'none, so the token was not used' : 'found, so the token was used';
    return ['checked', `the answer to this refresh token, version ${shortId(VersionId)}: ${answer}`];
  }
  if (found === undefined) return ['read', `${VersionStage}: no version has this label yet`];
  return ['read', `${VersionStage} ${shortId(found.VersionId)}: ${describe(found.SecretString)}`];
}

function describePut({ ClientRequestToken, SecretString }: z.infer<typeof put>): Line {
  const where = `TOKEN_REFRESH ${shortId(ClientRequestToken)}`;
  const { kind } = parseStored(SecretString);
  if (kind === undefined) return ['recorded', `${where}: ${describe(SecretString)}`];
  return kind.endsWith('/claim')
    ? ['claimed', `${where}: while its lease runs, no other run sends this token`]
    : ['noted', `${where}: ${describe(SecretString)}`];
}

function describeRequest({ method, path, form, answer, isAnswerLost = false }: ReceivedRequest): Line[] {
  const token = fingerprint(form['refresh_token'] ?? '');
  const sent: Line = ['sent', `${method} ${path}: grant_type=${form['grant_type']}, refresh token ${token}`];
  if (answer === undefined) return [sent];
  return [sent, isAnswerLost ? ['lost', `${answer.status}, on its way: the connection broke`] : describeAnswer(answer)];
}

function describeAnswer({ status, headers = {}, body }: NonNullable<ReceivedRequest['answer']>): Line {
  const json: unknown = typeof body === 'string' && body !== '' ? JSON.parse(body) : body;
  const tokens = tokenAnswer.safeParse(json).data;
  if (tokens !== undefined) {
    const { access_token, refresh_token, expires_in } = tokens;
    const accessToken = `access token ${fingerprint(access_token)} for ${expires_in} s`;
    return ['answered', `${status}: ${accessToken}, refresh token ${fingerprint(refresh_token)}`];
  }
  const retryAfter = headers['retry-after'] === undefined ? '' : `, Retry-After: ${headers['retry-after']}`;
  return ['answered', `${status}${retryAfter} ${errorAnswer.safeParse(json).data?.error ?? ''}`.trimEnd()];
}

function describe(secretString: string): string {
  const { kind, attempt, code, refresh_token } = parseStored(secretString);
  if (kind?.endsWith('/claim')) return `the claim of attempt ${attempt}`;
  if (kind !== undefined) return `attempt ${attempt} failed, ${code}`;
  return `refresh token ${fingerprint(refresh_token ?? '')}, ${describeAccessToken(secretString)}`;
}

function describeAccessToken(secretString: string): string {
  const { access_token } = parseStored(secretString);
  return access_token === undefined ? 'no access token' : `access token ${fingerprint(access_token)}`;
}

function parseStored(secretString: string): z.infer<typeof stored> {
  return stored.parse(JSON.parse(secretString));
}

function shortId(versionId = ''): string {
  return versionId.slice(0, 8);
}
