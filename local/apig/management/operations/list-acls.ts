import { aclView, isNamed, type Operation, page } from '../operation';

export const listAcls: Operation = {
  on: 'GET /v2/{project_id}/apigw/instances/{instance_id}/acls',
  action: 'apig:acls:list',
  run({ names, query }, { access }) {
    const { policies, policyBindings } = access(names);
    const { items, ...sizes } = page(
      [...policies.values()].filter((one) => isNamed(one, query)),
      query,
    );
    const acls = items.map((one) => ({
      ...aclView(one),
      bind_num: [...policyBindings.values()].filter(({ policyId }) => policyId === one.id).length,
    }));
    return { status: 200, body: { ...sizes, acls } };
  },
};
