import { readDocument } from '../authorize/authorized-document.ts';
import { describePlace, findTokenEndpoint } from '../authorize/place.ts';
import { isFleet, nameOf } from '../aws/deployment.ts';
import { findDeployment } from '../aws/find-deployments.ts';
import { Secret } from '../aws/secret.ts';
import type { AwsSession } from '../aws/session.ts';
import { CommandError, EXIT, type ExitCode } from '../command-error.ts';
import { authorizeInBrowser } from '../oauth/authorize-in-browser.ts';
import { checkConnection } from '../oauth/check-connection.ts';
import { type ClientCredentials, findClientCredentials } from '../oauth/client-credentials.ts';
import { exchangeCode } from '../oauth/exchange-code.ts';
import type { LastPage } from '../oauth/last-page.ts';
import { chooseRedirect } from '../oauth/redirect-target.ts';
import type { ProbeOptions } from '../options.ts';
import type { Finding } from '../probe/finding.ts';
import { runProbe } from '../probe/run-probe.ts';
import { type TokenAnswer, toAnswer } from '../probe/token-request.ts';
import { askYesOrNo } from '../terminal/ask.ts';
import { interruption } from '../terminal/interruption.ts';
import { renderTable } from '../terminal/tables.ts';
import { terminal } from '../terminal/terminal.ts';

const WARNING =
  'The probe creates its own grant and misuses it: it sends a used refresh token again, a wrong refresh token, and a wrong client secret. ' +
  'Afterwards, that grant may be revoked. If Retently keeps only one grant per application and user, the one in your secret may be revoked too. ' +
  'If you can, use a different application or user than in production. Nothing is written to the secret.';

const PAGE: LastPage = {
  isGood: true,
  title: 'The probe has its grant',
  paragraphs: ['The terminal now sends the requests and shows the findings.', 'You can close this page.'],
};

export async function probe(session: AwsSession, options: ProbeOptions): Promise<ExitCode> {
  interruption.wouldMean('Nothing was changed.');
  const { known, redirect, tokenEndpoint, place } = await findKnown(session, options);
  terminal.say(`The probe reads the application from ${place}.`);
  await checkConnection(tokenEndpoint);
  terminal.say(WARNING);
  const isWanted = options.yes || (await askYesOrNo(`Start the probe with ${place}?`, 'Pass --yes to confirm.'));
  if (!isWanted)
    throw new CommandError(EXIT.attention, 'You did not confirm, so the probe did not start. Nothing was sent.');
  const client = await findClientCredentials(known);
  const findings: Finding[] = [];
  const grant = await authorizeInBrowser(client.clientId, redirect, options, async ({ request, parameters }) => {
    const { response } = await exchangeCode(request, parameters, tokenEndpoint, client.clientSecret);
    return { value: { first: toAnswer(response), redirectUri: request.redirectUri }, page: PAGE };
  });
  interruption.wouldMean('The grant of the probe may be revoked. The secret is unchanged.');
  try {
    await ask(options, tokenEndpoint, client, grant, (finding) => findings.push(finding));
  } finally {
    // Findings from before a network failure are shown too, because they cost a grant.
    terminal.result(options.json ? JSON.stringify({ findings }) : renderTable(toRows(findings)));
  }
  return EXIT.done;
}

async function findKnown(session: AwsSession, options: ProbeOptions) {
  const isSecretAlone =
    options.secretId !== undefined && options.stack === undefined && options.functionName === undefined;
  const deployment = isSecretAlone ? undefined : await findDeployment(session, options);
  const ownSecretId = deployment === undefined || isFleet(deployment) ? undefined : deployment.secretId;
  const secretId = options.secretId ?? ownSecretId;
  if (secretId === undefined) {
    const name = deployment === undefined ? 'This' : nameOf(deployment);
    throw new CommandError(
      EXIT.unable,
      `${name} is a fleet with many secrets (region ${await session.region()}). Choose one with --secret-id.`,
    );
  }
  const secret = new Secret(session, secretId);
  const { members } = readDocument(await secret.readCurrent(), secret.id);
  const tokenEndpoint = findTokenEndpoint(deployment, options);
  const place = await describePlace(session, { deployment, secretId, secretArn: secret.arn, tokenEndpoint });
  return { known: members, redirect: chooseRedirect(options, members.redirect_uri), tokenEndpoint, place };
}

async function ask(
  { apiUrl, graceSeconds }: ProbeOptions,
  tokenEndpoint: URL,
  client: ClientCredentials,
  { first, redirectUri }: { first: TokenAnswer; redirectUri: string },
  report: (finding: Finding) => void,
): Promise<void> {
  const settings = { tokenEndpoint, apiUrl, client, redirectUri, graceSeconds };
  await terminal.progress('Asking', runProbe(settings, first, report));
}

function toRows(findings: readonly Finding[]): string[][] {
  const rows = findings.map(({ question, answer, meaning }) => [question, answer, meaning]);
  return [['Question', 'Answer', 'What it means for you'], ...rows];
}
