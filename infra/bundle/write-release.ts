import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { buildApp } from '../app.ts';
import { CONTEXT_KEY } from '../options/schema.ts';
import { bundleHandler, entryPathOf, HANDLER_NAMES, type HandlerName } from './bundle-handler.ts';

// Writes the files for a deployment without CDK to `release/`: two templates, and a folder of code for each function. The
// templates load the code from your bucket, under the keys `<prefix><function>.zip`.

const RELEASE = fileURLToPath(new URL('../../release', import.meta.url));
const CONTEXTS = {
  'retently-token-refresh': {},
  'retently-token-refresh-fleet': { fleet: { tagKey: 'retently' } },
};
const PARAMETERS = {
  CodeBucket: {
    Type: 'String',
    Description: 'Name of the bucket in this region that contains the zip files of the functions',
  },
  CodePrefix: {
    Type: 'String',
    Default: '',
    Description: 'Prefix of the keys of the zip files, such as v1/',
  },
};

const resourceSchema = z.looseObject({ Type: z.string(), Properties: z.looseObject({}).optional() });
const templateSchema = z.looseObject({
  Resources: z.record(z.string(), resourceSchema),
  Parameters: z.unknown().optional(),
  Rules: z.unknown().optional(),
});

const outdir = mkdtempSync(join(tmpdir(), 'retently-token-refresh-release-'));
try {
  rmSync(RELEASE, { recursive: true, force: true });
  mkdirSync(RELEASE);
  for (const name of HANDLER_NAMES) bundleHandler(join(RELEASE, name), { entryPath: entryPathOf(name) });
  for (const [name, tokenRefresh] of Object.entries(CONTEXTS)) writeTemplate(name, tokenRefresh);
} finally {
  rmSync(outdir, { recursive: true });
}

function writeTemplate(name: string, tokenRefresh: object): void {
  const [stack] = buildApp({ outdir: join(outdir, name), context: { [CONTEXT_KEY]: tokenRefresh } }).synth().stacks;
  if (stack === undefined) throw new Error(`Cannot write the template ${name}: its app has no stack.`);
  // Leaves out CDK's parameter and rule, which require an AWS account that is bootstrapped for CDK.
  const { Rules, Parameters, Resources, ...template } = templateSchema.parse(
    JSON.parse(readFileSync(stack.templateFullPath, 'utf8')),
  );
  const resources = Object.entries(Resources).map(([id, resource]) => [id, withCodeOf(resource)]);
  const released = { ...template, Parameters: PARAMETERS, Resources: Object.fromEntries(resources) };
  writeFileSync(join(RELEASE, `${name}.template.json`), `${JSON.stringify(released, null, 2)}\n`);
}

function withCodeOf(resource: z.output<typeof resourceSchema>): z.output<typeof resourceSchema> {
  if (resource.Type !== 'AWS::Lambda::Function') return resource;
  const S3Key = { 'Fn::Join': ['', [{ Ref: 'CodePrefix' }, `${handlerOf(resource)}.zip`]] };
  return { ...resource, Properties: { ...resource.Properties, Code: { S3Bucket: { Ref: 'CodeBucket' }, S3Key } } };
}

/** Returns the handler of a function, which its environment variables identify. */
function handlerOf(resource: object): HandlerName {
  const text = JSON.stringify(resource);
  if (text.includes('REFRESH_QUEUE_URL')) return 'sweep';
  return text.includes('CREDENTIALS_SECRET_ID') ? 'handler' : 'refresh-message';
}
