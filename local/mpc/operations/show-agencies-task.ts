import type { Operation } from '../operation';

/** `GET /v1/{project_id}/agencies`: whether MPC may use all buckets of the account. */
export const showAgenciesTask: Operation = (_, { authorizedBuckets }) => ({
  status: 200,
  body: { operate_type: authorizedBuckets === 'all' ? 'CREATED' : 'CANCELED' },
});
