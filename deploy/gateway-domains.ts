import * as z from 'zod';
import { CallFailed, type CloudApi } from './cloud-api';
import type { DesiredState } from './desired-state';
import type { DesiredTrigger } from './desired-triggers';

const Group = z.object({ sl_domain: z.string().min(1) });

/** The gateway of an API group: a dedicated one, or the shared one, which has no id. */
export interface GroupPlace {
  groupId: string;
  instanceId: string | undefined;
}

/** The API group of a trigger; undefined for a trigger that is not an API. */
export function groupOf({ type, eventData }: DesiredTrigger): GroupPlace | undefined {
  if (type !== 'APIG' && type !== 'DEDICATEDGATEWAY') return undefined;
  const { group_id: group, instance_id: instance } = eventData;
  return { groupId: String(group), instanceId: instance === undefined ? undefined : String(instance) };
}

/** The path of a group in API Gateway's API. */
export function groupPath({ groupId, instanceId }: GroupPlace, projectId: string): string {
  return instanceId === undefined
    ? `/v1.0/apigw/api-groups/${groupId}`
    : `/v2/${projectId}/apigw/instances/${instanceId}/api-groups/${groupId}`;
}

/**
 * Adds each group's sub-domain to its triggers: the vendor's guide and the Terraform provider send it. If a group cannot
 * be read, its triggers stay unchanged, and FunctionGraph reports what is missing.
 */
export async function withSubDomains(desired: DesiredState, cloud: CloudApi): Promise<DesiredState> {
  const domains = new Map<string, Promise<string | undefined>>();
  const withDomain = async (trigger: DesiredTrigger): Promise<DesiredTrigger> => {
    const place = groupOf(trigger);
    if (place === undefined || trigger.eventData.sl_domain !== undefined) return trigger;
    const path = groupPath(place, cloud.connection.projectId);
    const asked = domains.get(path) ?? subDomain(path, cloud);
    domains.set(path, asked);
    const domain = await asked;
    return domain === undefined
      ? trigger
      : { ...trigger, eventData: { ...trigger.eventData, sl_domain: domain } };
  };
  const functions = await Promise.all(
    desired.functions.map(async (one) => ({
      ...one,
      triggers: await Promise.all(one.triggers.map(withDomain)),
    })),
  );
  return { ...desired, functions };
}

async function subDomain(path: string, cloud: CloudApi): Promise<string | undefined> {
  try {
    return Group.safeParse((await cloud.call('apig', { method: 'GET', path })).body).data?.sl_domain;
  } catch (error) {
    if (error instanceof CallFailed) return undefined;
    throw error;
  }
}
