import { publishIdOf } from '../../access-book';
import { isNamed, type Operation, page } from '../operation';

/** APIs as FunctionGraph's triggers created them, each published in one environment. */
export const listApis: Operation = {
  on: 'GET /v2/{project_id}/apigw/instances/{instance_id}/apis',
  action: 'apig:apis:list',
  run({ names, query }, { apis }) {
    const isAsked = (name: string, value: string) => !query.has(name) || query.get(name) === value;
    const found = apis(names).filter(
      (api) =>
        isAsked('group_id', api.groupId) &&
        isAsked('env_id', api.envId) &&
        isNamed({ id: api.apiId, name: api.name }, query),
    );
    const { items, ...sizes } = page(found, query);
    const views = items.map((api) => ({
      id: api.apiId,
      name: api.name,
      type: 1,
      group_id: api.groupId,
      req_protocol: 'HTTPS',
      req_method: api.method,
      req_uri: api.path,
      match_mode: api.matchMode,
      auth_type: api.auth,
      auth_opt: { app_code_auth_type: 'DISABLE' },
      backend_type: 'FUNCTION',
      run_env_id: api.envId,
      run_env_name: api.stage,
      publish_id: publishIdOf(api),
      status: 1,
    }));
    return { status: 200, body: { ...sizes, apis: views } };
  },
};
