import { type Operation, xmlTime } from '../operation';

/** GET / */
export const listBuckets: Operation = ({ store, region, ownerId }) => ({
  status: 200,
  xml: [
    'ListAllMyBucketsResult',
    {
      Owner: { ID: ownerId },
      Buckets: {
        Bucket: store.buckets().map(({ name, createdMs }) => ({
          Name: name,
          CreationDate: xmlTime(createdMs),
          Location: region,
          BucketType: 'OBJECT',
        })),
      },
    },
  ],
});
