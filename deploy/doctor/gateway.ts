import * as z from 'zod';
import { planAccess } from '../access/access';
import type { CloudApi } from '../cloud-api';
import type { DesiredState } from '../desired-state';
import { type GroupPlace, groupOf, groupPath } from '../gateway-domains';
import { type Finding, probe } from './finding';

const Instance = z.object({ status: z.string().nullish() });

/** Checks that the API groups of the stage and their dedicated gateways exist. */
export async function checkGateway(desired: DesiredState, cloud: CloudApi): Promise<Finding[]> {
  const triggers = desired.functions.flatMap((one) => one.triggers);
  const found = triggers.map(groupOf).filter((place) => place !== undefined);
  const places = new Map(found.map((place) => [groupPath(place, ''), place]));
  return (await Promise.all([...places.values()].map((place) => checkPlace(place, desired, cloud)))).flat();
}

async function checkPlace(
  { groupId, instanceId }: GroupPlace,
  { region }: DesiredState,
  cloud: CloudApi,
): Promise<Finding[]> {
  const get = (path: string) => probe(async () => (await cloud.call('apig', { method: 'GET', path })).body);
  const findings: Finding[] = [];
  const dedicated = `/v2/${cloud.connection.projectId}/apigw/instances/${instanceId}`;
  if (instanceId !== undefined) {
    const point = `gateway ${instanceId}`;
    const instance = await get(dedicated);
    if (!instance.ok && instance.status === 404) {
      return [
        {
          point,
          state: 'missing',
          text: `does not exist in ${region}`,
          todo: 'set APIG_INSTANCE_ID to the id of a dedicated gateway (console: API Gateway, Gateways)',
        },
      ];
    }
    findings.push(instance.ok ? instanceFinding(point, instance.found) : unseen(point, instance.reason));
  }
  const point = `API group ${groupId}`;
  const group = await get(groupPath({ groupId, instanceId }, cloud.connection.projectId));
  if (group.ok) {
    findings.push({
      point,
      state: 'ok',
      text: instanceId === undefined ? 'of the shared gateway' : 'exists',
    });
  } else if (group.status === 404) {
    const where = instanceId === undefined ? 'the shared gateway' : `gateway ${instanceId}`;
    const command = `hcloud APIG CreateApiGroupV2 --cli-region=${region} --instance_id=${instanceId ?? 'ID'} --name=mpc_snapshots`;
    findings.push({
      point,
      state: 'missing',
      text: `does not exist in ${where}`,
      todo:
        instanceId === undefined
          ? `set APIG_INSTANCE_ID if it belongs to a dedicated gateway; else create it there: ${command}. The shared gateway is closed to new customers`
          : `${command}, then set APIG_GROUP_ID to the id that it prints`,
    });
  } else {
    findings.push(unseen(point, group.reason));
  }
  return findings;
}

function instanceFinding(point: string, body: unknown): Finding {
  const { status } = Instance.catch({}).parse(body);
  if (status == null || status === 'Running') return { point, state: 'ok', text: 'runs' };
  return {
    point,
    state: 'missing',
    text: `is ${status}, not Running`,
    todo: 'wait until it runs, or look at it in the console (API Gateway, Gateways)',
  };
}

function unseen(point: string, reason: string): Finding {
  return {
    point,
    state: 'unseen',
    text: reason,
    todo: 'let the key have the system policy "APIG ReadOnlyAccess", or look in the console (API Gateway)',
  };
}

/** Checks that callers, policies and limits are as in `serverless.yml`. */
export async function checkAccess(desired: DesiredState, cloud: CloudApi): Promise<Finding[]> {
  const { access, stage } = desired;
  if (access === undefined || access.apis.every(({ auth }) => auth === 'NONE')) return [];
  const point = 'callers of the API';
  if (access.instanceId === undefined) {
    const open = access.apis.some(({ auth }) => auth === 'IAM');
    return [
      {
        point,
        state: 'note',
        text: open
          ? 'every user of Huawei Cloud may call (openToAllUsers); how often is not limited in the shared gateway'
          : 'in the shared gateway apps are authorized, and their calls limited, in the console',
        todo: 'use a dedicated gateway (APIG_INSTANCE_ID), where deploying does both',
      },
    ];
  }
  const plan = await probe(() => planAccess(desired, cloud));
  if (!plan.ok) return [unseen(point, plan.reason)];
  const { steps, warnings } = plan.found;
  const notes = warnings.map((text): Finding => ({ point, state: 'note', text }));
  if (steps.length > 0) {
    const text = `not yet as in serverless.yml: ${steps.map((step) => step.text).join('; ')}`;
    return [...notes, { point, state: 'note', text, todo: `npm run deploy -- --stage ${stage}` }];
  }
  return notes.length > 0
    ? notes
    : [{ point, state: 'ok', text: 'callers and limits are as in serverless.yml' }];
}
