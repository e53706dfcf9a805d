import type { SignedAnswer, SignedRequest } from '../../../signed-server';
import { authorizationView, type Operation, page, type Service } from '../operation';

/** The APIs that an app may call. */
export const listApisOfApp: Operation = {
  on: 'GET /v2/{project_id}/apigw/instances/{instance_id}/app-auths/binded-apis',
  action: 'apig:appAuths:list',
  run: authorizations,
};

/** The apps that may call an API. */
export const listAppsOfApi: Operation = {
  on: 'GET /v2/{project_id}/apigw/instances/{instance_id}/app-auths/binded-apps',
  action: 'apig:appAuths:list',
  run: authorizations,
};

function authorizations({ names, query }: SignedRequest, { access, apis }: Service): SignedAnswer {
  const book = access(names);
  const isAsked = (name: string, value: string) => !query.has(name) || query.get(name) === value;
  const found = [...book.authorizations.values()].filter(
    ({ appId, apiId, envId }) =>
      isAsked('app_id', appId) && isAsked('api_id', apiId) && isAsked('env_id', envId),
  );
  const { items, ...sizes } = page(found, query);
  const auths = items.map((one) =>
    authorizationView(
      one,
      book.apps.get(one.appId),
      apis(names).find(({ apiId }) => apiId === one.apiId),
    ),
  );
  return { status: 200, body: { ...sizes, auths } };
}
