import { instanceView, type Operation } from '../operation';

export const showInstance: Operation = {
  on: 'GET /v2/{project_id}/apigw/instances/{instance_id}',
  action: 'apig:instances:get',
  run: ({ names }, { gateways }) => ({
    status: 200,
    body: instanceView(gateways.instance(names.instance_id ?? '')),
  }),
};
