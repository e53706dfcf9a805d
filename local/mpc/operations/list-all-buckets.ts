import type { Operation, Service } from '../operation';

/** `GET /v1/{project_id}/buckets`: the account's buckets in this region, and whether MPC may read and write each. */
export const listAllBuckets: Operation = (_, service) => ({
  status: 200,
  body: {
    buckets: service.store.buckets().map(({ name, createdMs }) => ({
      bucket: name,
      creation_date: new Date(createdMs).toISOString(),
      is_authorized: isAuthorized(name, service) ? 1 : 0,
    })),
  },
});

/** Whether MPC may read and write a bucket. */
export function isAuthorized(bucket: string, { authorizedBuckets }: Service): boolean {
  return authorizedBuckets === 'all' || authorizedBuckets.has(bucket);
}
