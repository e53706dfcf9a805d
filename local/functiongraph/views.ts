import { cpuMillicores, type DeployedFunction } from './deployed-function';
import type { Platform } from './platform';
import type { Trigger } from './triggers';

/** A function as the management API shows it. Encrypted values are never shown. */
export function functionView(platform: Platform, deployed: DeployedFunction) {
  const { configuration, code } = deployed;
  const { encrypted_user_data: encrypted, log_config: logs, enable_lts_log: _, ...visible } = configuration;
  return {
    func_urn: deployed.urn,
    project_name: platform.region,
    domain_name: 'local',
    namespace: platform.projectId,
    image_name: `${deployed.version}-${code.digest.slice(0, 8)}`,
    cpu: cpuMillicores(configuration.memory_size),
    ...visible,
    ...(encrypted === undefined ? {} : { encrypted_user_data: '' }),
    code_type: 'zip',
    code_filename: 'index.zip',
    code_size: code.sizeBytes,
    digest: code.digest,
    version: deployed.version,
    version_description: deployed.versionDescription,
    last_modified: new Date(deployed.lastModifiedMs).toISOString(),
    strategy_config: { concurrency: 400, concurrent_num: 1, ...configuration.strategy_config },
    type: 'v2',
    ...(logs !== undefined && { log_group_id: logs.group_id, log_stream_id: logs.stream_id }),
  };
}

/** A trigger as the management API shows it. */
export function triggerView(
  { apiAddress, behaviour }: Pick<Platform, 'apiAddress' | 'behaviour'>,
  trigger: Trigger,
) {
  const { type, id, status, createdAtMs } = trigger;
  const time = new Date(createdAtMs).toISOString();
  const address = apiAddress();
  const published =
    'apiId' in trigger
      ? {
          api_id: trigger.apiId,
          api_name: trigger.data.name,
          triggerid: trigger.id,
          ...(address !== undefined && { invoke_url: address + trigger.data.path }),
        }
      : {};
  return {
    trigger_id: id,
    trigger_type_code: type,
    trigger_status: status,
    event_data: {
      ...trigger.data,
      ...published,
      ...(type === 'EVENTGRID' && !behaviour.eventGridShowsBucket && { bucket: undefined }),
    },
    last_updated_time: time,
    created_time: time,
  };
}

/** The asynchronous configuration of a function as the management API shows it. */
export function asyncInvokeView(deployed: DeployedFunction) {
  const time = new Date(deployed.lastModifiedMs).toISOString();
  return {
    func_urn: deployed.urn,
    ...deployed.asyncInvoke,
    created_time: time,
    last_modified: time,
  };
}
