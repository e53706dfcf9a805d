import { randomUUID } from 'node:crypto';
import { AccessBook } from '../access-book';
import { groupNameTaken, noSuchGroup, noSuchInstance, tooManyGroups } from './errors';

/** A dedicated gateway. Nobody can create one here, because on the platform that costs money. */
export interface GatewayInstance {
  id: string;
  name: string;
  /** `Running` if it can be used. */
  status: string;
  /** The quota of groups. */
  maxGroups: number;
}

export interface ApiGroup {
  id: string;
  name: string;
  remark?: string;
  /** The dedicated gateway of the group. Absent: the shared gateway. */
  instanceId?: string;
}

/** Most API groups of a dedicated gateway (API Gateway user guide, "Notes and Constraints"). */
const MAX_GROUPS = 1500;

/** The dedicated gateway of the local cloud. */
export function localInstance(id: string): GatewayInstance {
  return { id, name: id, status: 'Running', maxGroups: MAX_GROUPS };
}

/** Gateways and API groups of the account, in memory. */
export class GatewayBook {
  readonly #groups: ApiGroup[];
  readonly #access = new Map<string, AccessBook>();

  constructor(
    readonly instances: readonly GatewayInstance[],
    groups: readonly ApiGroup[] = [],
  ) {
    this.#groups = [...groups];
  }

  /** @throws Refused APIG.3030 */
  instance(id: string): GatewayInstance {
    const found = this.instances.find((one) => one.id === id);
    if (found === undefined) throw noSuchInstance(id);
    return found;
  }

  /** Who may call the APIs of a gateway, and how often. @param instanceId empty for the shared gateway */
  accessOf(instanceId: string): AccessBook {
    const book = this.#access.get(instanceId) ?? new AccessBook();
    this.#access.set(instanceId, book);
    return book;
  }

  /** @param instanceId undefined for the shared gateway */
  groups(instanceId: string | undefined): ApiGroup[] {
    return this.#groups.filter((group) => group.instanceId === instanceId);
  }

  /** @throws Refused APIG.3001 */
  group(instanceId: string | undefined, id: string): ApiGroup {
    const found = this.groups(instanceId).find((group) => group.id === id);
    if (found === undefined) throw noSuchGroup(id);
    return found;
  }

  /** @throws Refused APIG.3030, APIG.3101, APIG.3201 */
  createGroup(instanceId: string, name: string, remark: string): ApiGroup {
    const { maxGroups } = this.instance(instanceId);
    const groups = this.groups(instanceId);
    if (groups.some((group) => group.name === name)) throw groupNameTaken();
    if (groups.length >= maxGroups) throw tooManyGroups();
    const group = { id: randomUUID().replaceAll('-', ''), name, remark, instanceId };
    this.#groups.push(group);
    return group;
  }

  /** @throws Refused APIG.3030, APIG.3001 */
  deleteGroup(instanceId: string, id: string): void {
    this.instance(instanceId);
    this.#groups.splice(this.#groups.indexOf(this.group(instanceId, id)), 1);
  }
}
