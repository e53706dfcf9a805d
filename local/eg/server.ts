import type { Server } from 'node:http';
import * as z from 'zod';
import type { EventGridSubscription, FunctionGraph } from '../functiongraph/functiongraph';
import {
  createSignedServer,
  Refused,
  type SignedOperation,
  type SignedServerOptions,
} from '../signed-server';

export interface EventGridOptions extends SignedServerOptions {
  functiongraph: Pick<FunctionGraph, 'subscriptions' | 'deleteSubscription'>;
}

type Operation = SignedOperation<EventGridOptions['functiongraph']>;

/** EventGrid API reference, "Obtaining the Event Subscription List". */
const page = z.object({
  offset: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(1000).default(15),
});

const listSubscriptions: Operation = {
  on: 'GET /v1/{project_id}/subscriptions',
  action: 'eg:subscriptions:list',
  run({ query }, functiongraph) {
    const parsed = page.safeParse(Object.fromEntries(query));
    if (!parsed.success) {
      throw new Refused(
        400,
        'EG.0400',
        'offset must be an integer from 0, and limit an integer from 1 to 1000',
      );
    }
    const { offset, limit } = parsed.data;
    const all = [...functiongraph.subscriptions()];
    const items = all.slice(offset, offset + limit).map(([id, subscription]) => view(id, subscription));
    return { status: 200, body: { total: all.length, size: items.length, items } };
  },
};

const showSubscription: Operation = {
  on: 'GET /v1/{project_id}/subscriptions/{subscription_id}',
  action: 'eg:subscriptions:get',
  run({ names: { subscription_id: id = '' } }, functiongraph) {
    const found = functiongraph.subscriptions().get(id);
    if (found === undefined) throw noSuchSubscription(id);
    return { status: 200, body: view(id, found) };
  },
};

const deleteSubscription: Operation = {
  on: 'DELETE /v1/{project_id}/subscriptions/{subscription_id}',
  action: 'eg:subscriptions:delete',
  run({ names: { subscription_id: id = '' } }, functiongraph) {
    if (!functiongraph.deleteSubscription(id)) throw noSuchSubscription(id);
    return { status: 204 };
  },
};

/** Paths of EventGrid, at an address that several services share. */
export const EVENTGRID_PATHS = /^\/v1\/[^/?]+\/subscriptions([/?]|$)/;

/** The part of EventGrid that lists, shows and deletes subscriptions. FunctionGraph creates them. Not yet listening. */
export function createEventGridServer({ functiongraph, ...options }: EventGridOptions): Server {
  return createSignedServer({
    ...options,
    name: 'EventGrid',
    service: functiongraph,
    operations: [listSubscriptions, showSubscription, deleteSubscription],
    forbidden: (action) => new Refused(403, 'EG.0403', `No permission: ${action}`),
  });
}

function noSuchSubscription(id: string): Refused {
  return new Refused(404, 'EG.0404', `The subscription does not exist: ${id}`);
}

/** A subscription with the known fields of EventGrid's `ShowDetailOfSubscription`. */
function view(id: string, { functionUrn, trigger }: EventGridSubscription) {
  const time = new Date(trigger.createdAtMs).toISOString();
  const { channel_id, channel_name, trigger_name, bucket, Key_encode, source_name, agency } = trigger.data;
  return {
    id,
    name: trigger_name,
    type: 'EVENT',
    status: 'ENABLED',
    channel_id,
    channel_name,
    sources: [
      { name: source_name, provider_type: 'OFFICIAL', detail: { bucket, objectKeyEncode: Key_encode } },
    ],
    targets: [
      {
        name: 'HC.FunctionGraph',
        provider_type: 'OFFICIAL',
        detail: { urn: functionUrn, invoke_type: 'ASYNC', agency_name: agency },
      },
    ],
    created_time: time,
    updated_time: time,
  };
}
