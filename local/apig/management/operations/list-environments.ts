import { type Operation, page } from '../operation';

/** The environment that every gateway has (API Gateway user guide). */
const RELEASE = {
  id: 'DEFAULT_ENVIRONMENT_RELEASE_ID',
  name: 'RELEASE',
  remark: '',
  create_time: '2026-01-01T00:00:00Z',
};

export const listEnvironments: Operation = {
  on: 'GET /v2/{project_id}/apigw/instances/{instance_id}/envs',
  action: 'apig:envs:list',
  run({ names, query }, { gateways }) {
    gateways.instance(names.instance_id ?? '');
    const name = query.get('name');
    const { items, ...sizes } = page(
      [RELEASE].filter((one) => name === null || one.name === name),
      query,
    );
    return { status: 200, body: { ...sizes, envs: items } };
  },
};
