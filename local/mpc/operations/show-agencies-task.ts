import type { Operation } from '../operation';

/** `GET /v1/{project_id}/agencies`: whether MPC was let into all buckets of the account at once. */
export const showAgenciesTask: Operation = (_, { authorizedBuckets }) => ({
  status: 200,
  body: { operate_type: authorizedBuckets === 'all' ? 'CREATED' : 'CANCELED' },
});
