import type { SignedOperation } from '../../signed-server';
import type { ApiGroup, GatewayBook, GatewayInstance } from './gateway-book';

/** What the operations work on. */
export interface Service {
  gateways: GatewayBook;
  /** Whether an API is published in a group. */
  hasApis(groupId: string): boolean;
}

export type Operation = SignedOperation<Service>;

const MAX_PAGE = 500;
const DEFAULT_PAGE = 20;

/** A page of a list, with the sizes that go with it. */
export function page<T>(all: readonly T[], query: URLSearchParams) {
  const offset = Math.max(0, Number(query.get('offset') ?? 0) || 0);
  const asked = Number(query.get('limit') ?? DEFAULT_PAGE);
  const limit = asked > 0 ? Math.min(asked, MAX_PAGE) : DEFAULT_PAGE;
  const items = all.slice(offset, offset + limit);
  return { size: items.length, total: all.length, items };
}

/** A group as API Gateway shows it (SDK model of ListApiGroupsV2). */
export function groupView({ id, name, remark = '' }: ApiGroup) {
  const time = '2026-01-01T00:00:00Z';
  return {
    id,
    name,
    remark,
    status: 1,
    sl_domain: `${id}.localhost`,
    register_time: time,
    update_time: time,
    on_sell_status: 2,
    is_default: 2,
  };
}

/** A gateway as API Gateway shows it (SDK model of ListInstancesV2). */
export function instanceView({ id, name, status }: GatewayInstance) {
  return { id, instance_name: name, status, type: 'apig', spec: 'BASIC' };
}
