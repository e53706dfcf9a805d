import { aclOf, type Operation } from '../operation';

export const deleteAcl: Operation = {
  on: 'DELETE /v2/{project_id}/apigw/instances/{instance_id}/acls/{acl_id}',
  action: 'apig:acls:delete',
  run({ names }, { access }) {
    access(names).removePolicy(aclOf(access(names), names.acl_id).id);
    return { status: 204 };
  },
};
