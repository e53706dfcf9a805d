import type { Server } from 'node:http';
import { createSignedServer, type SignedServerOptions } from '../../signed-server';
import { noPermission } from './errors';
import type { GatewayBook } from './gateway-book';
import type { Operation } from './operation';
import { createGroup } from './operations/create-group';
import { deleteGroup } from './operations/delete-group';
import { listEnvironments } from './operations/list-environments';
import { listGroups } from './operations/list-groups';
import { listInstances } from './operations/list-instances';
import { showGroup, showSharedGroup } from './operations/show-group';
import { showInstance } from './operations/show-instance';

export interface ApiGroupOptions extends SignedServerOptions {
  gateways: GatewayBook;
  /** Whether an API is published in a group: such a group cannot be deleted. No group has any when absent. */
  hasApis?(groupId: string): boolean;
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
];

/** Paths that the management of API Gateway answers at an address that it shares with other services. */
export const MANAGEMENT_PATHS = /^\/v[12][^?]*\/apigw\//;

/**
 * The management side of API Gateway: gateways, groups and environments. APIs themselves are made by
 * FunctionGraph's triggers. Not yet listening.
 */
export function createApiGroupServer({
  gateways,
  hasApis = () => false,
  ...options
}: ApiGroupOptions): Server {
  return createSignedServer({
    ...options,
    name: 'API Gateway',
    service: { gateways, hasApis },
    operations: OPERATIONS,
    forbidden: noPermission,
  });
}
