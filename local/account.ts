import type { AccessKey } from './iam/credentials';

export const REGION = 'ap-southeast-3';
export const UPLOAD_BUCKET = 'videos';
export const SNAPSHOT_BUCKET = 'snapshots';
/** The only API group that can be looked up; triggers take any. */
export const API_GROUP = 'local';

/** The only dedicated gateway; there is no making another. */
export const GATEWAY_INSTANCE = 'local-gateway';

/** Where the functions of stage `local` log to; `.env.local` names it too. */
export const LOG_PLACE = {
  groupId: '10ca1000-0000-4000-8000-000000000001',
  groupName: 'mpc-snapshots',
  streamId: '10ca1000-0000-4000-8000-000000000002',
  streamName: 'functions',
};

/** The topic that MPC tells the end of tasks to. */
export const TOPIC_NAME = 'mpc-snapshots';

/** The one account of the local cloud. Its key opens nothing else. */
export const ACCOUNT: AccessKey = {
  accessKey: 'LOCALACCESSKEY000001',
  secretKey: 'local-secret-key-that-opens-nothing-else',
  projectId: '10ca110ca110ca110ca110ca110ca110',
};
