import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CloudToDeployTo, codeFor, desiredOf, KEY } from './cloud-to-deploy-to';

// The SDK opens a log file in the current directory as soon as it is loaded, and prints failed requests with their
// credentials to standard output. It is loaded elsewhere and silenced.
const logDirectory = mkdtempSync(path.join(tmpdir(), 'vendor-sdk-'));
const home = process.cwd();
process.chdir(logDirectory);
const { Logger4jInstance } = require('@huaweicloud/huaweicloud-sdk-core/logger/log4jLogger');
Logger4jInstance.level = 'off';
const { BasicCredentials } = require('@huaweicloud/huaweicloud-sdk-core');
const { FunctionGraphClient } = require('@huaweicloud/huaweicloud-sdk-functiongraph');
process.chdir(home);

afterAll(() => rmSync(logDirectory, { recursive: true }));

test('the vendor’s SDK reads back what was deployed', async () => {
  const cloud = await CloudToDeployTo.start();
  try {
    const desired = await desiredOf('prod');
    const code = await codeFor(desired);
    await cloud.deploy(desired, code);
    const client = FunctionGraphClient.newBuilder()
      .withCredential(
        new BasicCredentials().withAk(KEY.accessKey).withSk(KEY.secretKey).withProjectId(KEY.projectId),
      )
      .withEndpoint(cloud.environment.FUNCTIONGRAPH_ENDPOINT)
      // Otherwise it writes an id into the home directory and sends it along.
      .withOptions({ customUserAgent: 'vendor-sdk-test' })
      .build();
    const { functions } = await client.listFunctions({});
    expect(functions).toHaveLength(5);
    for (const one of desired.functions) {
      const urn = `urn:fss:ap-southeast-3:${KEY.projectId}:function:default:mpc-snapshots-prod-${one.key}:latest`;
      const configuration = await client.showFunctionConfig({ function_urn: urn });
      expect(configuration).toMatchObject({
        func_urn: urn,
        runtime: 'Node.js20.15',
        handler: 'index.handler',
        memory_size: one.memoryMb,
        timeout: one.timeoutSeconds,
        digest: code.find(({ key }) => key === one.key)?.digest,
        app_xrole: 'mpc-snapshots',
        description: expect.stringMatching(/\. \[serverless mpc-snapshots\/prod\]$/),
      });
      expect(JSON.parse(configuration.user_data)).toMatchObject({ SNAPSHOT_BUCKET: 'prod-snapshots' });
      const triggers: { trigger_type_code: string }[] = [
        ...(await client.listFunctionTriggers({ function_urn: urn })),
      ];
      expect(triggers.map(({ trigger_type_code: type }) => type).sort()).toEqual(
        {
          create: ['APIG'],
          cancel: ['APIG', 'TIMER'],
          query: ['APIG'],
          'on-upload': ['OBS', 'TIMER'],
          'on-finish': ['TIMER'],
        }[one.key],
      );
      if (one.key !== 'on-upload') continue;
      expect(configuration.strategy_config).toMatchObject({ concurrency: 1, concurrent_num: 1 });
      expect(await client.showFunctionAsyncInvokeConfig({ function_urn: urn })).toMatchObject({
        max_async_retry_attempts: 3,
        max_async_event_age_in_seconds: 3600,
      });
    }
  } finally {
    await cloud.stop();
  }
});
