import { bindingsOf, type Operation, page, throttleOf, throttleView } from '../operation';

export const listThrottlesOfApi: Operation = {
  on: 'GET /v2/{project_id}/apigw/instances/{instance_id}/throttle-bindings/binded-throttles',
  action: 'apig:throttleBindings:list',
  run({ names, query }, { access, apis }) {
    const book = access(names);
    const { items, ...sizes } = page(bindingsOf(book.throttleBindings, apis(names), query), query);
    const throttles = items.map(({ binding, api }) => ({
      ...throttleView(throttleOf(book, binding.policyId), book),
      env_name: api.stage,
      bind_id: binding.id,
      bind_time: new Date(binding.boundMs).toISOString(),
    }));
    return { status: 200, body: { ...sizes, throttles } };
  },
};
