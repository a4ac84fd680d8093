import { JOURNAL_STAGE } from '../../lambda/contract.ts';
import { AwsError } from '../sandbox/aws/aws-error.ts';
import type { Choices } from '../support/choices.ts';
import { readVersion, SECRET_ID } from './invariants.ts';
import { CLIENT_SECRET } from './provider.ts';
import { TOKEN_SECRET_ID } from './token-secret-witness.ts';
import type { World } from './world.ts';

/** One thing that a human does by hand to the secret, or to the token secret, while runs are under way or not. */
export function operate(world: World, choices: Choices): void {
  const isOfTokenSecret = world.hasTokenSecret && choices.happens(6);
  const [name, act] = choices.pick(isOfTokenSecret ? TOKEN_SECRET_ACTS : ACTS);
  world.faults.count(`operator: ${name}`);
  world.trace?.(world.nowMs, `an operator ${name}`);
  act(world, choices);
  world.labels.note();
  world.witness.afterOperator();
  world.tokenLabels.note();
  world.tokenSecretWitness.afterOperator();
}

type Act = (world: World, choices: Choices) => void;

const ACTS: readonly [[string, Act], ...[string, Act][]] = [
  ['adds a member', addMember],
  ['adds a member to what was read a while ago', editSlowly],
  ['puts new credentials', putNewCredentials],
  ['pastes an old document back', pasteBack],
  ['moves AWSCURRENT back', moveBack],
  ['removes the journal label', removeLabel],
  ['moves the journal label', moveLabel],
  ['scribbles in the journal', scribble],
  ['mistypes the client secret', mistype],
  ['fixes the client secret', fix],
];

const TOKEN_SECRET_ACTS: readonly [[string, Act], ...[string, Act][]] = [
  ['edits the token secret', (world) => writeTokenSecret(world, '{"access_token":"typed"}')],
  ['moves the label of the token secret back', moveTokenSecretBack],
  ['empties the token secret', emptyTokenSecret],
  ['stores another thing in the token secret', (world) => writeTokenSecret(world, '{"password":"of another"}')],
  [
    'stores a token with other members in the token secret',
    (world) => writeTokenSecret(world, '{"access_token":"of another","password":"of another"}'),
  ],
  ['edits the expiry in the token secret', editExpiry],
];

/** Members that a run may overwrite. */
export function emptyTokenSecret(world: World): void {
  writeTokenSecret(world, '{}');
}

function writeTokenSecret(world: World, SecretString: string): void {
  world.secretsManager.putSecretValue({
    SecretId: TOKEN_SECRET_ID,
    ClientRequestToken: `operator-${String(world.nextNumber()).padStart(32, '0')}`,
    SecretString,
  });
  world.tokenLabels.note();
  world.tokenSecretWitness.afterOperator();
}

function editExpiry(world: World): void {
  const { text } = world.tokenSecretWitness;
  if (text?.includes('"expires_at"') !== true) return;
  writeTokenSecret(world, JSON.stringify({ ...JSON.parse(text), expires_at: '2030-01-01T00:00:00Z' }));
}

function moveTokenSecretBack({ secretsManager }: World, choices: Choices): void {
  const holder = secretsManager.peek(TOKEN_SECRET_ID, { stage: 'AWSCURRENT' });
  if (holder === undefined) return;
  const ids = secretsManager.peekAll(TOKEN_SECRET_ID).map(({ id }) => id);
  secretsManager.updateSecretVersionStage({
    SecretId: TOKEN_SECRET_ID,
    VersionStage: 'AWSCURRENT',
    MoveToVersionId: ids[choices.next(ids.length)],
    RemoveFromVersionId: holder.id,
  });
}

function put(world: World, secretString: string, stages?: readonly string[]): void {
  const id = `operator-${String(world.nextNumber()).padStart(32, '0')}`;
  try {
    world.secretsManager.putSecretValue({
      SecretId: SECRET_ID,
      ClientRequestToken: id,
      SecretString: secretString,
      VersionStages: stages,
    });
  } catch (error) {
    // No room for another version: an operator sees that, and nothing happened.
    if (!(error instanceof AwsError)) throw error;
  }
}

function currentText({ secretsManager, witness }: World): string {
  return readVersion(secretsManager, witness.currentVersionId()) ?? '{}';
}

function withNote(secretString: string, note: number): string {
  return JSON.stringify({ ...JSON.parse(secretString), note });
}

function addMember(world: World): void {
  put(world, withNote(currentText(world), world.nextNumber()));
}

function editSlowly(world: World, choices: Choices): void {
  const read = currentText(world);
  const delayMs = choices.pick([20, 60, 300, 5_000]);
  world.at(world.nowMs + delayMs, () => {
    put(world, withNote(read, world.nextNumber()));
    world.labels.note();
    world.witness.afterOperator();
  });
}

function putNewCredentials(world: World): void {
  put(world, JSON.stringify({ ...JSON.parse(currentText(world)), refresh_token: world.provider.authorize() }));
}

/** Any document of the history, under a new id. */
function pasteBack(world: World, choices: Choices): void {
  const secretString = readVersion(world.secretsManager, pickDocument(world, choices));
  if (secretString !== undefined) put(world, secretString);
}

function moveBack(world: World, choices: Choices): void {
  const { secretsManager, witness } = world;
  const from = witness.currentVersionId();
  secretsManager.updateSecretVersionStage({
    SecretId: SECRET_ID,
    VersionStage: 'AWSCURRENT',
    MoveToVersionId: pickDocument(world, choices),
    RemoveFromVersionId: from,
  });
}

export function removeLabel(world: World): void {
  world.isLabelTouched = true;
  const holder = labelHolder(world);
  if (holder !== undefined)
    world.secretsManager.updateSecretVersionStage({
      SecretId: SECRET_ID,
      VersionStage: JOURNAL_STAGE,
      RemoveFromVersionId: holder,
    });
}

function moveLabel(world: World, choices: Choices): void {
  world.isLabelTouched = true;
  const ids = versionIds(world);
  const target = ids[choices.next(ids.length)];
  world.secretsManager.updateSecretVersionStage({
    SecretId: SECRET_ID,
    VersionStage: JOURNAL_STAGE,
    MoveToVersionId: target,
    RemoveFromVersionId: labelHolder(world),
  });
}

function scribble(world: World): void {
  world.isLabelTouched = true;
  put(world, 'scribble', [JOURNAL_STAGE]);
}

function mistype(world: World): void {
  put(world, withSecret(currentText(world), 'mistyped'));
  world.witness.clientChanged();
}

export function fix(world: World): void {
  put(world, withSecret(currentText(world), CLIENT_SECRET));
  world.witness.clientChanged();
}

function withSecret(secretString: string, client_secret: string): string {
  return JSON.stringify({ ...JSON.parse(secretString), client_secret });
}

function labelHolder({ secretsManager }: World): string | undefined {
  return secretsManager.peek(SECRET_ID, { stage: JOURNAL_STAGE })?.id;
}

function versionIds({ secretsManager }: World): readonly string[] {
  return secretsManager.peekAll(SECRET_ID).map(({ id }) => id);
}

function pickDocument(world: World, choices: Choices): string {
  const documents = versionIds(world).filter((id) => world.witness.isTraceable(id));
  return documents[choices.next(documents.length)] ?? world.witness.currentVersionId();
}
