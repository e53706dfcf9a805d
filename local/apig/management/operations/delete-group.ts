import { groupHasApis } from '../errors';
import type { Operation } from '../operation';

export const deleteGroup: Operation = {
  on: 'DELETE /v2/{project_id}/apigw/instances/{instance_id}/api-groups/{group_id}',
  action: 'apig:groups:delete',
  run({ names }, { gateways, hasApis }) {
    const { id } = gateways.group(names.instance_id, names.group_id ?? '');
    if (hasApis(id)) throw groupHasApis(id);
    gateways.deleteGroup(names.instance_id ?? '', id);
    return { status: 204 };
  },
};
