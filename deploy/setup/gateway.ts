import * as z from 'zod';
import { CallFailed, type CloudApi, readAnswer } from '../cloud-api';
import { unlessGone } from './buckets';
import type { EnvFile } from './env-file';
import type { Names } from './names';
import type { Inspection, Part } from './part';

const RIGHT = 'APIG FullAccess';
/** The largest page. */
const PAGE = 500;

const Instances = z.object({
  instances: z
    .array(z.object({ id: z.string(), instance_name: z.string().nullish(), status: z.string().nullish() }))
    .nullish(),
});
const Groups = z.object({
  total: z.number(),
  groups: z
    .array(z.object({ id: z.string(), name: z.string(), remark: z.string().nullish() }))
    .nullish()
    .transform((groups) => groups ?? []),
});
type Group = z.infer<typeof Groups>['groups'][number];
const MadeGroup = z.object({ id: z.string() });

export interface GatewayContext {
  cloud: CloudApi;
  names: Names;
  file: EnvFile;
  environment: Readonly<Record<string, string | undefined>>;
}

/** The API group, in an existing dedicated gateway: setup never buys one. */
export function gatewayPart(context: GatewayContext): Part {
  return {
    name: 'API group',
    service: 'API Gateway',
    right: RIGHT,
    inspect: () => inspectGateway(context),
  };
}

async function inspectGateway({ cloud, names, file, environment }: GatewayContext): Promise<Inspection> {
  const { region } = cloud.connection;
  const { APIG_GROUP_ID: groupId, APIG_INSTANCE_ID: desiredInstance } = environment;
  if (groupId && (await hasGroup(groupId, desiredInstance, cloud))) {
    const values = { APIG_GROUP_ID: groupId, ...(desiredInstance && { APIG_INSTANCE_ID: desiredInstance }) };
    return { there: [`API group ${groupId}`], values };
  }
  if (groupId && groupId !== file.get('APIG_GROUP_ID')) {
    return {
      obstacle: {
        text: `APIG_GROUP_ID ${groupId} does not exist in ${desiredInstance ? `gateway ${desiredInstance}` : 'the shared gateway'}`,
        todo: 'remove it from the environment to let setup create a group, or set APIG_INSTANCE_ID to its gateway',
      },
    };
  }
  const all = await instancesOf(cloud);
  const usable = all.filter(({ id, status }) =>
    desiredInstance ? id === desiredInstance : status == null || status === 'Running',
  );
  if (usable.length === 0) {
    const text = desiredInstance
      ? `gateway ${desiredInstance} does not exist in ${region}`
      : all.length > 0
        ? `no dedicated gateway in ${region} is running`
        : `there is no dedicated gateway in ${region}`;
    return {
      obstacle: {
        text,
        todo: 'a gateway costs money, so setup buys none: buy or start one in the console (API Gateway, Gateways) and run the command again, or set APIG_GROUP_ID to a group of the shared gateway',
      },
    };
  }
  const groups = await Promise.all(usable.map(async ({ id }) => ({ id, groups: await groupsOf(id, cloud) })));
  for (const { id: instanceId, groups: found } of groups) {
    const own = found.find((group) => isOwn(group, names));
    if (own !== undefined) {
      return {
        there: [`API group ${own.name}, in gateway ${instanceId}`],
        values: { APIG_GROUP_ID: own.id, APIG_INSTANCE_ID: instanceId },
      };
    }
  }
  const [instance, ...more] = groups;
  if (instance === undefined || more.length > 0) {
    const ids = usable.map(({ id, instance_name }) => `${id} (${instance_name})`).join(', ');
    return {
      obstacle: { text: `there are several gateways: ${ids}`, todo: 'set APIG_INSTANCE_ID to one of them' },
    };
  }
  const taken = instance.groups.find(({ name }) => name === names.apiGroup);
  if (taken !== undefined) {
    return {
      obstacle: {
        text: `a group ${names.apiGroup} exists in gateway ${instance.id}, but was not created by setup`,
        todo: `set APIG_INSTANCE_ID=${instance.id} and APIG_GROUP_ID=${taken.id} to use it anyway`,
      },
    };
  }
  return {
    steps: [
      {
        what: `API group ${names.apiGroup}, in gateway ${instance.id}`,
        right: RIGHT,
        command: `hcloud APIG CreateApiGroupV2 --cli-region=${region} --instance_id=${instance.id} --name=${names.apiGroup}, then set APIG_INSTANCE_ID=${instance.id} and APIG_GROUP_ID to the id that it prints`,
        make: async () => {
          const body = { name: names.apiGroup, remark: names.mark };
          const path = `${groupsPath(instance.id, cloud)}`;
          const answer = await cloud.call('apig', { method: 'POST', path, body });
          readAnswer(MadeGroup, answer.body, 'the new API group', 'API Gateway');
        },
      },
    ],
  };
}

function isOwn({ remark }: Group, { mark }: Names): boolean {
  return remark?.includes(mark) === true;
}

function groupsPath(instanceId: string, cloud: CloudApi): string {
  return `/v2/${cloud.connection.projectId}/apigw/instances/${instanceId}/api-groups`;
}

async function hasGroup(id: string, instanceId: string | undefined, cloud: CloudApi): Promise<boolean> {
  const path = instanceId ? `${groupsPath(instanceId, cloud)}/${id}` : `/v1.0/apigw/api-groups/${id}`;
  try {
    await cloud.call('apig', { method: 'GET', path });
    return true;
  } catch (error) {
    if (error instanceof CallFailed && error.status === 404) return false;
    throw error;
  }
}

/** The dedicated gateways of the region. @throws CallFailed, ZodError */
export async function instancesOf(cloud: CloudApi) {
  const { body } = await cloud.call('apig', {
    method: 'GET',
    path: `/v2/${cloud.connection.projectId}/apigw/instances`,
    query: [['limit', String(PAGE)]],
  });
  return Instances.parse(body).instances ?? [];
}

async function groupsOf(instanceId: string, cloud: CloudApi): Promise<Group[]> {
  const found: Group[] = [];
  for (;;) {
    const { body } = await cloud.call('apig', {
      method: 'GET',
      path: groupsPath(instanceId, cloud),
      query: [
        ['limit', String(PAGE)],
        ['offset', String(found.length)],
      ],
    });
    const { groups, total } = Groups.parse(body);
    found.push(...groups);
    if (groups.length === 0 || found.length >= total) return found;
  }
}

/** The API groups with the mark. */
export function gatewayRemains({ cloud, names }: GatewayContext): Part {
  const inspect = async (): Promise<Inspection> => {
    const instances = await instancesOf(cloud);
    const found = await Promise.all(
      instances.map(async ({ id: instanceId }) =>
        (await groupsOf(instanceId, cloud))
          .filter((group) => isOwn(group, names))
          .map((group) => ({ ...group, path: `${groupsPath(instanceId, cloud)}/${group.id}`, instanceId })),
      ),
    );
    return {
      steps: found.flat().map(({ id, name, path, instanceId }) => ({
        what: `API group ${name}, in gateway ${instanceId}`,
        right: RIGHT,
        command: `hcloud APIG DeleteApiGroupV2 --cli-region=${cloud.connection.region} --instance_id=${instanceId} --group_id=${id}`,
        make: () => cloud.call('apig', { method: 'DELETE', path }).catch(unlessGone),
      })),
    };
  };
  return { name: 'API group', service: 'API Gateway', right: RIGHT, inspect };
}
