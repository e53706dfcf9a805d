import { isNamed, type Operation, page, throttleView } from '../operation';

export const listThrottles: Operation = {
  on: 'GET /v2/{project_id}/apigw/instances/{instance_id}/throttles',
  action: 'apig:throttles:list',
  run({ names, query }, { access }) {
    const book = access(names);
    const found = [...book.throttles.values()].filter((one) => isNamed(one, query));
    const { items, ...sizes } = page(found, query);
    return { status: 200, body: { ...sizes, throttles: items.map((one) => throttleView(one, book)) } };
  },
};
