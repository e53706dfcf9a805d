import type { Server } from 'node:http';
import type { ApiRoute } from '../../functiongraph/functiongraph';
import { createSignedServer, type SignedServerOptions } from '../../signed-server';
import { noPermission } from './errors';
import type { GatewayBook } from './gateway-book';
import type { Operation } from './operation';
import { authorizeApps } from './operations/authorize-apps';
import { bindAcl } from './operations/bind-acl';
import { bindThrottle } from './operations/bind-throttle';
import { cancelAuthorization } from './operations/cancel-authorization';
import { createAcl } from './operations/create-acl';
import { createApp } from './operations/create-app';
import { createAppCode } from './operations/create-app-code';
import { createGroup } from './operations/create-group';
import { createThrottle } from './operations/create-throttle';
import { deleteAcl } from './operations/delete-acl';
import { deleteApp } from './operations/delete-app';
import { deleteGroup } from './operations/delete-group';
import { deleteThrottle } from './operations/delete-throttle';
import { listAcls } from './operations/list-acls';
import { listAclsOfApi } from './operations/list-acls-of-api';
import { listApis } from './operations/list-apis';
import { listAppCodes } from './operations/list-app-codes';
import { listApps } from './operations/list-apps';
import { listApisOfApp, listAppsOfApi } from './operations/list-authorizations';
import { listEnvironments } from './operations/list-environments';
import { listGroups } from './operations/list-groups';
import { listInstances } from './operations/list-instances';
import { listThrottles } from './operations/list-throttles';
import { listThrottlesOfApi } from './operations/list-throttles-of-api';
import { resetAppSecret } from './operations/reset-app-secret';
import { showApp } from './operations/show-app';
import { showGroup, showSharedGroup } from './operations/show-group';
import { showInstance } from './operations/show-instance';
import { unbindAcl } from './operations/unbind-acl';
import { unbindThrottle } from './operations/unbind-throttle';
import { updateAcl } from './operations/update-acl';
import { updateThrottle } from './operations/update-throttle';

export interface ApiGroupOptions extends SignedServerOptions {
  gateways: GatewayBook;
  /** Whether a group has published APIs; such a group cannot be deleted. Default: none has. */
  hasApis?(groupId: string): boolean;
  /** The APIs of all gateways. Default: none. */
  apis?(): readonly ApiRoute[];
}

const OPERATIONS: readonly Operation[] = [
  listInstances,
  showInstance,
  listGroups,
  showGroup,
  showSharedGroup,
  createGroup,
  deleteGroup,
  listEnvironments,
  createApp,
  listApps,
  showApp,
  deleteApp,
  resetAppSecret,
  createAppCode,
  listAppCodes,
  authorizeApps,
  listApisOfApp,
  listAppsOfApi,
  cancelAuthorization,
  createThrottle,
  listThrottles,
  updateThrottle,
  deleteThrottle,
  bindThrottle,
  listThrottlesOfApi,
  unbindThrottle,
  createAcl,
  listAcls,
  updateAcl,
  deleteAcl,
  bindAcl,
  listAclsOfApi,
  unbindAcl,
  listApis,
];

/** Paths of API Gateway's management, at an address that several services share. */
export const MANAGEMENT_PATHS = /^\/v[12][^?]*\/apigw\//;

/**
 * The management of API Gateway: gateways, groups and environments; apps, throttling and access policies. The APIs
 * themselves come from FunctionGraph's triggers. Not yet listening.
 */
export function createApiGroupServer({
  gateways,
  hasApis = () => false,
  apis = () => [],
  ...options
}: ApiGroupOptions): Server {
  return createSignedServer({
    ...options,
    name: 'API Gateway',
    service: {
      gateways,
      hasApis,
      access: ({ instance_id: id = '' }) => gateways.accessOf(gateways.instance(id).id),
      apis: ({ instance_id: id = '' }) => apis().filter(({ instanceId }) => instanceId === id),
    },
    operations: OPERATIONS,
    forbidden: noPermission,
  });
}
