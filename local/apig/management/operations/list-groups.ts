import { groupView, type Operation, page } from '../operation';

export const listGroups: Operation = {
  on: 'GET /v2/{project_id}/apigw/instances/{instance_id}/api-groups',
  action: 'apig:groups:list',
  run({ names, query }, { gateways }) {
    const name = query.get('name');
    const isPrecise = query.get('precise_search') === 'name';
    const instance = gateways.instance(names.instance_id ?? '');
    const found = gateways
      .groups(instance.id)
      .filter((group) => name === null || (isPrecise ? group.name === name : group.name.includes(name)));
    const { items, ...sizes } = page(found, query);
    return { status: 200, body: { ...sizes, groups: items.map(groupView) } };
  },
};
