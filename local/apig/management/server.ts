import type { Server } from 'node:http';
import { createSignedServer, type SignedAnswer, type SignedServerOptions } from '../../signed-server';

export interface ApiGroup {
  id: string;
  name: string;
  /** The dedicated gateway that it belongs to; absent: the shared one. */
  instanceId?: string;
}

export interface ApiGroupOptions extends SignedServerOptions {
  groups: readonly ApiGroup[];
}

const SHARED = /^\/v1\.0\/apigw\/api-groups\/([^/]+)$/;
const DEDICATED = /^\/v2\/([^/]+)\/apigw\/instances\/([^/]+)(?:\/api-groups\/([^/]+))?$/;

/**
 * The management side of API Gateway, as far as one asks whether a gateway and a group are there. APIs
 * themselves are made by FunctionGraph's triggers. Not yet listening.
 */
export function createApiGroupServer(options: ApiGroupOptions): Server {
  return createSignedServer(options, ({ path, key }) => {
    const shared = SHARED.exec(path)?.[1];
    if (shared !== undefined) return groupAnswer(options, shared, undefined);
    const [, projectId, instanceId, groupId] = DEDICATED.exec(path) ?? [];
    if (instanceId === undefined || projectId !== key.projectId) return undefined;
    if (groupId !== undefined) return groupAnswer(options, groupId, instanceId);
    const isThere = options.groups.some((group) => group.instanceId === instanceId);
    return isThere
      ? { status: 200, body: { id: instanceId, instance_name: instanceId, status: 'Running' } }
      : refusal('APIG.3030', `Instance does not exist;id:${instanceId}`);
  });
}

function groupAnswer(
  { groups }: ApiGroupOptions,
  groupId: string,
  instanceId: string | undefined,
): SignedAnswer {
  const group = groups.find((one) => one.id === groupId && one.instanceId === instanceId);
  if (group === undefined) return refusal('APIG.3001', `The API group does not exist;id:${groupId}`);
  const { id, name } = group;
  return { status: 200, body: { id, name, status: 1, sl_domain: `${id}.localhost` } };
}

function refusal(code: string, message: string): SignedAnswer {
  return { status: 404, body: { error_code: code, error_msg: message } };
}
