import { groupView, type Operation } from '../operation';

export const showGroup: Operation = {
  on: 'GET /v2/{project_id}/apigw/instances/{instance_id}/api-groups/{group_id}',
  action: 'apig:groups:get',
  run: ({ names }, { gateways }) => ({
    status: 200,
    body: groupView(gateways.group(names.instance_id, names.group_id ?? '')),
  }),
};

/** A group of the shared gateway, which has its own API. */
export const showSharedGroup: Operation = {
  on: 'GET /v1.0/apigw/api-groups/{group_id}',
  action: 'apig:groups:get',
  run: ({ names }, { gateways }) => ({
    status: 200,
    body: groupView(gateways.group(undefined, names.group_id ?? '')),
  }),
};
