import { instanceView, type Operation, page } from '../operation';

export const listInstances: Operation = {
  on: 'GET /v2/{project_id}/apigw/instances',
  action: 'apig:instances:list',
  run({ query }, { gateways }) {
    const { items, ...sizes } = page(gateways.instances, query);
    return { status: 200, body: { ...sizes, instances: items.map(instanceView) } };
  },
};
