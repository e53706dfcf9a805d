import * as z from 'zod';
import { apiOf, appOf, type Operation, readBody } from '../operation';

const body = z.object({
  env_id: z.string(),
  app_ids: z.array(z.string()).min(1),
  api_ids: z.array(z.string()).min(1),
});

/** Lets each of the apps call each of the APIs. Existing authorizations are skipped. */
export const authorizeApps: Operation = {
  on: 'POST /v2/{project_id}/apigw/instances/{instance_id}/app-auths',
  action: 'apig:appAuths:create',
  run({ names, body: sent }, { access, apis }) {
    const { env_id: envId, app_ids: appIds, api_ids: apiIds } = readBody(sent, body);
    const book = access(names);
    const found = apiIds.map((id) => apiOf(apis(names), id));
    const apps = appIds.map((id) => appOf(book, id));
    const auths = apps.flatMap((app) =>
      found.map((api) => {
        const { authorization, isNew } = book.authorize(app.id, api.apiId, envId);
        return {
          id: authorization.id,
          api_id: api.apiId,
          app_id: app.id,
          auth_result: { status: isNew ? 'SUCCESS' : 'SKIPPED' },
          auth_time: new Date(authorization.authorizedMs).toISOString(),
          auth_role: 'PROVIDER',
          auth_tunnel: 'NORMAL',
        };
      }),
    );
    return { status: 201, body: { auths } };
  },
};
