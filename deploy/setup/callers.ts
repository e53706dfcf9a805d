import { callerName, callersOf } from '../access/access';
import { makeCaller, printKey } from '../access/callers';
import { nameIn } from '../access/desired-access';
import { GatewayApi } from '../access/gateway-api';
import type { CloudApi } from '../cloud-api';
import { unlessGone } from './buckets';
import { instancesOf } from './gateway';
import type { Names, Stage } from './names';
import type { Inspection, Part } from './part';

const RIGHT = 'APIG FullAccess';
const NAME = 'callers of the API';
/** The first caller; `npm run callers` adds others. */
const FIRST = 'first';

export interface CallerContext {
  cloud: CloudApi;
  names: Names;
  stage: Stage;
  environment: Readonly<Record<string, string | undefined>>;
  print: (line: string) => void;
}

/** An app whose key can call the API. Deploying authorizes it. */
export function callerPart(context: CallerContext): Part {
  return { name: NAME, service: 'API Gateway', right: RIGHT, inspect: () => inspectCallers(context) };
}

async function inspectCallers({
  cloud,
  names,
  stage,
  environment,
  print,
}: CallerContext): Promise<Inspection> {
  const { region } = cloud.connection;
  const all = await instancesOf(cloud);
  const [instance, ...more] = all.filter(({ id, status }) =>
    environment.APIG_INSTANCE_ID
      ? id === environment.APIG_INSTANCE_ID
      : status == null || status === 'Running',
  );
  // The part of the API group reports what to do.
  if (instance === undefined || more.length > 0) return {};
  const gateway = new GatewayApi(cloud, instance.id);
  const callers = await callersOf(gateway, stage);
  if (callers.length > 0) {
    return { there: callers.map(({ name }) => `caller ${callerName(name, stage)} of the API`) };
  }
  return {
    steps: [
      {
        what: `caller ${FIRST} of the API, in gateway ${instance.id}; its key is shown once`,
        right: RIGHT,
        command: `hcloud APIG CreateAnAppV2 --cli-region=${region} --instance_id=${instance.id} --name=${nameIn(stage, FIRST)} --remark="${names.mark}"`,
        make: async () => {
          printKey(await makeCaller(gateway, stage, FIRST), print);
        },
      },
    ],
  };
}

/** The apps with the mark, also those of `npm run callers`. */
export function callerRemains({ cloud, stage }: CallerContext): Part {
  const inspect = async (): Promise<Inspection> => {
    const instances = await instancesOf(cloud);
    const found = await Promise.all(
      instances.map(async ({ id }) => {
        const gateway = new GatewayApi(cloud, id);
        return (await callersOf(gateway, stage)).map((app) => ({ app, gateway }));
      }),
    );
    return {
      steps: found.flat().map(({ app, gateway }) => ({
        what: `caller ${callerName(app.name, stage)}, in gateway ${gateway.instanceId}`,
        right: RIGHT,
        command: `hcloud APIG DeleteAppV2 --cli-region=${cloud.connection.region} --instance_id=${gateway.instanceId} --app_id=${app.id}`,
        make: () => gateway.deleteApp(app.id).catch(unlessGone),
      })),
    };
  };
  return { name: NAME, service: 'API Gateway', right: RIGHT, inspect };
}
