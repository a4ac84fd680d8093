import * as z from 'zod';
import { parseJson } from '../../../lambda/contract.ts';
import { type Fleet, startFleet } from '../fleet.ts';
import type { Sandbox } from '../sandbox.ts';
import type { Screen } from './screen.ts';

const TITLE = 'fleet: Five secrets, one tag, two sweeps, and what happens to each secret.';
const INTRODUCTION =
  'The two bundled handlers of a fleet run in their own processes, against Secrets Manager and SQS (stand-ins) and an ' +
  'OAuth authorization server (oidc-provider), all on 127.0.0.1.';

const swept = z.object({ listed: z.number(), queued: z.number() });
const warning = z.object({ code: z.string(), secretIds: z.array(z.string()) });
const end = z.object({
  timestamp: z.string(),
  secretId: z.string(),
  outcome: z.string(),
  code: z.string().optional(),
  message: z.string(),
});
type End = z.infer<typeof end>;

/** @returns whether all that was claimed was seen to be so */
export async function playFleet(sandbox: Sandbox, screen: Screen): Promise<boolean> {
  const { aws, authorizationServer, tokenEndpoint } = sandbox;
  const fleet = await startFleet(sandbox, 2);
  screen.heading(TITLE);
  screen.paragraph(INTRODUCTION);
  await fill(fleet, sandbox, screen);
  const first = await sweep('First sweep', fleet, sandbox, screen);
  const posts = tokenEndpoint.requests.length;
  const second = await sweep('Second sweep', fleet, sandbox, screen);

  screen.heading('Checked in the records of the stand-ins');
  let hasAllHappened = true;
  const check = (sentence: string, isTrue: boolean) => {
    hasAllHappened &&= isTrue;
    screen.check(sentence, isTrue);
  };
  const tokens = ['acme', 'bolt'].map((name) => String(fleet.read(name)['access_token']));
  const live = await Promise.all(tokens.map((token) => authorizationServer.isAccessTokenLive(token)));
  check('acme and bolt each hold an access token that the server accepts', live.every(Boolean));
  check(
    'The broken secrets did not stop the others: every message was processed',
    aws.sqs.size + aws.sqs.deadLetters.length === 0,
  );
  const codes = (ends: readonly End[]) => ends.map(({ code, outcome }) => code ?? outcome);
  check(
    'The runs of the first sweep ended as shown above',
    codes(first.ends).sort().join() === 'REAUTHORIZATION_REQUIRED,refreshed,refreshed',
  );
  check('The second sweep asked the authorization server for nothing', tokenEndpoint.requests.length === posts);
  check('The second sweep queued nothing: acme and bolt are fresh, and the others need a person', second.queued === 0);
  const named = (code: string) => second.attention.filter((each) => each.code === code).flatMap(({ names }) => names);
  check('The second sweep named dust, which holds something else', named('CREDENTIALS_INCOMPLETE').join() === 'dust');
  check('The second sweep named corn, whose grant is revoked', named('REAUTHORIZATION_REQUIRED').join() === 'corn');
  const isUntouched = !('access_token' in fleet.read('echo')) && !('access_token' in fleet.read('dust'));
  check('dust, which holds something else, and echo, which has no tag, are unchanged', isUntouched);
  return hasAllHappened;
}

async function fill(fleet: Fleet, sandbox: Sandbox, screen: Screen): Promise<void> {
  screen.heading('Four of five secrets get the tag');
  const printCase = (name: string, text: string) => screen.line(name, text);
  fleet.add('acme', await sandbox.mintCredentials());
  printCase('acme', 'credentials that were never used');
  fleet.add('bolt', await sandbox.mintCredentials());
  printCase('bolt', 'credentials that were never used');
  fleet.add('corn', { ...(await sandbox.mintCredentials()), refresh_token: 'revoked' });
  printCase('corn', 'credentials whose grant was revoked');
  fleet.add('dust', { user: 'root' });
  printCase('dust', 'something else');
  const SecretString = JSON.stringify(await sandbox.mintCredentials());
  sandbox.aws.secretsManager.createSecret({ Name: 'echo', SecretString });
  printCase('echo', 'credentials, and no tag');
}

interface Swept {
  readonly queued: number;
  /** Outcomes of the runs. */
  readonly ends: readonly End[];
  readonly attention: readonly { readonly code: string; readonly names: readonly string[] }[];
}

async function sweep(heading: string, fleet: Fleet, sandbox: Sandbox, screen: Screen): Promise<Swept> {
  screen.heading(heading);
  const before = endsOf(sandbox).length;
  const warned = warningsOf(sandbox).length;
  const invocation = await fleet.sweep();
  if (invocation.kind !== 'result') throw new Error('The sweep failed.');
  const { listed, queued } = swept.parse(invocation.result);
  screen.line('swept', `${listed} secrets have the tag, ${queued} messages are in the queue`);
  await fleet.refresh.drain();
  const ends = endsOf(sandbox)
    .slice(before)
    .map((each) => ({ ...each, name: nameOf(each.secretId) }));
  for (const { name, code, outcome, message } of [...ends].sort((a, b) => a.name.localeCompare(b.name))) {
    screen.line(name, `${code ?? outcome}: ${message.replaceAll(/arn:\S+:secret:(\w+)-\w{6}/g, '$1')}`);
  }
  const attention = warningsOf(sandbox).slice(warned);
  for (const { code, names } of attention) screen.line(names.join(', '), `the sweep warns: ${code}`);
  return { queued, ends, attention };
}

/** Warnings of the sweeps. */
function warningsOf({ processes }: Sandbox): Swept['attention'] {
  const lines = processes.flatMap(({ stdout, stderr }) => `${stdout}\n${stderr}`.split('\n'));
  return lines.flatMap((line) => {
    const { data } = warning.safeParse(parseJson(line));
    return data === undefined ? [] : [{ code: data.code, names: data.secretIds.map(nameOf) }];
  });
}

/** The last line of each run, by the time at which it was written. */
function endsOf({ processes }: Sandbox): readonly End[] {
  const ends = processes.flatMap(({ stdout, stderr }) =>
    `${stdout}\n${stderr}`.split('\n').flatMap((line) => (line.includes('"secretId"') ? parseEnd(line) : [])),
  );
  return ends.sort((a, b) => a.timestamp.localeCompare(b.timestamp));
}

function parseEnd(line: string): readonly End[] {
  const { data } = end.safeParse(JSON.parse(line));
  return data === undefined ? [] : [data];
}

function nameOf(arn: string): string {
  return arn.replace(/^.*:secret:(.*)-\w{6}$/, '$1');
}
