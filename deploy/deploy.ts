import { bundleFunction, FUNCTION_NAMES, zipFunction } from './bundle';
import { callFunctionGraph, type Target } from './functiongraph-client';
import { type FunctionDefinition, functionDefinitions, type TriggerDefinition } from './functions';

export interface Deployment {
  target: Target;
  uploadBuckets: readonly string[];
  snapshotBucket: string;
  /** IAM agency whose temporary credentials the functions get. */
  agency: string;
  /** How API Gateway knows its callers. NONE lets anybody in: for the local cloud only. */
  apiAuthentication: 'IAM' | 'NONE';
  /** API group that the APIs go into. */
  apiGroupId: string;
  /** The functions' settings, by key. */
  userData: Readonly<Record<string, string>>;
}

/**
 * Bundles the four functions and creates them with their triggers.
 * @throws FunctionGraphRefused
 */
export async function deploy(deployment: Deployment): Promise<void> {
  const definitions = functionDefinitions(deployment.uploadBuckets, deployment.snapshotBucket);
  const bundles = await Promise.all(FUNCTION_NAMES.map(bundleFunction));
  await Promise.all(
    definitions.map(async (definition) => {
      const bundle = bundles[FUNCTION_NAMES.indexOf(definition.name)];
      if (bundle !== undefined) await createFunction(definition, await zipFunction(bundle.code), deployment);
    }),
  );
}

async function createFunction(
  definition: FunctionDefinition,
  zip: Buffer,
  deployment: Deployment,
): Promise<void> {
  const { target, agency, userData } = deployment;
  const configuration = {
    func_name: definition.name,
    runtime: 'Node.js20.15',
    handler: 'index.handler',
    memory_size: definition.memoryMb,
    timeout: definition.timeoutSeconds,
    user_data: JSON.stringify(userData),
    xrole: agency,
    app_xrole: agency,
  };
  await callFunctionGraph(target, 'POST', 'functions', {
    ...configuration,
    package: 'default',
    code_type: 'zip',
    code_filename: 'index.zip',
    func_code: { file: zip.toString('base64') },
  });
  const urn = `urn:fss:${target.region}:${target.projectId}:function:default:${definition.name}:latest`;
  if (definition.maxInstances !== undefined) {
    await callFunctionGraph(target, 'PUT', `functions/${urn}/config`, {
      ...configuration,
      strategy_config: { concurrency: definition.maxInstances },
    });
  }
  if (definition.asynchronous !== undefined) {
    await callFunctionGraph(target, 'PUT', `functions/${urn}/async-invoke-config`, {
      max_async_retry_attempts: definition.asynchronous.retries,
      max_async_event_age_in_seconds: definition.asynchronous.maxEventAgeSeconds,
      destination_config: {
        on_failure: { destination: 'OBS', param: JSON.stringify(definition.asynchronous.onFailure) },
      },
    });
  }
  for (const trigger of definition.triggers) {
    await callFunctionGraph(
      target,
      'POST',
      `triggers/${urn}`,
      triggerBody(definition.name, trigger, deployment),
    );
  }
}

function triggerBody(functionName: string, trigger: TriggerDefinition, deployment: Deployment): unknown {
  switch (trigger.type) {
    case 'APIG':
      return {
        trigger_type_code: 'APIG',
        event_data: {
          name: `${functionName}_${trigger.method.toLowerCase()}`,
          type: 1,
          path: trigger.path,
          protocol: 'HTTPS',
          req_method: trigger.method,
          group_id: deployment.apiGroupId,
          match_mode: 'NORMAL',
          env_name: 'RELEASE',
          env_id: 'DEFAULT_ENVIRONMENT_RELEASE_ID',
          auth: deployment.apiAuthentication,
          func_info: { timeout: trigger.timeoutMs },
          backend_type: 'FUNCTION',
        },
      };
    case 'OBS':
      return {
        trigger_type_code: 'OBS',
        event_data: {
          bucket: trigger.bucket,
          events: trigger.events,
          name: `${functionName}-${trigger.bucket}`,
        },
      };
    case 'TIMER':
      return {
        trigger_type_code: 'TIMER',
        trigger_status: 'ACTIVE',
        event_data: { name: trigger.name, schedule_type: 'Rate', schedule: trigger.rate },
      };
  }
}
