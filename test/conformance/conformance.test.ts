import { afterAll, beforeAll, test, vi } from 'vitest';
import { type Aws, startAws } from '../sandbox/aws/aws-server.ts';
import { checks } from './checks.ts';
import { createEmulatorClient } from './run-checks.ts';

vi.stubEnv('AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED', 'true');

let sandbox: Aws;

beforeAll(async () => {
  sandbox = await startAws();
});

afterAll(async () => {
  await sandbox.close();
});

test.each(checks)('the sandbox: $name', async ({ run }) => {
  await run(createEmulatorClient(sandbox.url));
});
