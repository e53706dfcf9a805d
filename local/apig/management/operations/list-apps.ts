import { appView, isNamed, type Operation, page } from '../operation';

/** Lists apps with the number of APIs that each may call, without secrets. */
export const listApps: Operation = {
  on: 'GET /v2/{project_id}/apigw/instances/{instance_id}/apps',
  action: 'apig:apps:list',
  run({ names, query }, { access }) {
    const { apps, authorizations } = access(names);
    const found = [...apps.values()].filter(({ id, name, key }) => {
      const isKey = !query.has('app_key') || query.get('app_key') === key;
      return isKey && isNamed({ id, name }, query);
    });
    const { items, ...sizes } = page(found, query);
    const views = items.map((app) => ({
      ...appView(app),
      bind_num: [...authorizations.values()].filter(({ appId }) => appId === app.id).length,
    }));
    return { status: 200, body: { ...sizes, apps: views } };
  },
};
