import { aclOf, aclView, bindingsOf, type Operation, page } from '../operation';

export const listAclsOfApi: Operation = {
  on: 'GET /v2/{project_id}/apigw/instances/{instance_id}/acl-bindings/binded-acls',
  action: 'apig:aclBindings:list',
  run({ names, query }, { access, apis }) {
    const book = access(names);
    const { items, ...sizes } = page(bindingsOf(book.policyBindings, apis(names), query), query);
    const acls = items.map(({ binding, api }) => {
      const { id, update_time: _, ...policy } = aclView(aclOf(book, binding.policyId));
      return {
        acl_id: id,
        ...policy,
        env_id: api.envId,
        env_name: api.stage,
        bind_id: binding.id,
        bind_time: new Date(binding.boundMs).toISOString(),
      };
    });
    return { status: 200, body: { ...sizes, acls } };
  },
};
