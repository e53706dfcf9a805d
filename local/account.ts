import type { AccessKey } from './iam/credentials';

export const REGION = 'ap-southeast-3';
export const UPLOAD_BUCKET = 'videos';
export const SNAPSHOT_BUCKET = 'snapshots';
/** The only dedicated gateway. The local cloud creates no other. */
export const GATEWAY_INSTANCE = 'local-gateway';

/** The API group of each gateway, the shared and the dedicated one. Triggers take any group id. */
export const API_GROUPS = [
  { id: 'local', name: 'local' },
  { id: 'local-dedicated', name: 'local', instanceId: GATEWAY_INSTANCE },
];

/** Where the functions of stage `local` log to; `.env.local` names it too. */
export const LOG_PLACE = {
  groupId: '10ca1000-0000-4000-8000-000000000001',
  groupName: 'mpc-snapshots',
  streamId: '10ca1000-0000-4000-8000-000000000002',
  streamName: 'functions',
};

/** The topic to which MPC publishes the end of tasks. */
export const TOPIC_NAME = 'mpc-snapshots';

/** The one account of the local cloud. Its key opens nothing else. */
export const ACCOUNT: AccessKey = {
  accessKey: 'LOCALACCESSKEY000001',
  secretKey: 'local-secret-key-that-opens-nothing-else',
  projectId: '10ca110ca110ca110ca110ca110ca110',
};
