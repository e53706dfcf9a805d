import * as z from 'zod/mini';
import {
  createJson,
  deleteObject,
  findObject,
  getJson,
  type ListedObject,
  type ListFrom,
  type ListPage,
  listFolder,
  listObjects,
  putJson,
} from '../cloud/obs';
import { sha256Hex } from '../signing';
import type { Invocation } from './invocation';

// The records of this service: small JSON objects in the snapshot bucket.

/** @returns the parsed record; null for one that is not JSON; undefined when there is none @throws what OBS throws */
export function getRecord(key: string, invocation: Invocation): Promise<unknown> {
  return getJson(invocation.settings.snapshotBucket, key, invocation);
}

/** @returns the record; undefined when there is none, or it does not match the schema @throws what OBS throws */
export async function getRecordAs<T extends z.ZodMiniType>(
  schema: T,
  key: string,
  invocation: Invocation,
): Promise<z.infer<T> | undefined> {
  return z.safeParse(schema, await getRecord(key, invocation)).data;
}

/** Records are written as long as the invocation lasts: a part of it that took all its time must not lose what it found out. */
function untilEnd(invocation: Invocation): Invocation {
  return { ...invocation, deadlineMs: invocation.endMs };
}

/** Writes a record that must not exist yet. @returns false when it exists, as createJson says @throws what OBS throws */
export function createRecord(key: string, value: unknown, invocation: Invocation): Promise<boolean> {
  return createJson(invocation.settings.snapshotBucket, key, value, invocation);
}

/** @returns how many times it was sent @throws what OBS throws */
export function putRecord(key: string, value: unknown, invocation: Invocation): Promise<number> {
  return putJson(invocation.settings.snapshotBucket, key, value, untilEnd(invocation));
}

/** Deletes a record. A missing one is not an error. @throws what OBS throws */
export function deleteRecord(key: string, invocation: Invocation): Promise<void> {
  return deleteObject(invocation.settings.snapshotBucket, key, untilEnd(invocation));
}

/** One page of records, in the order of their keys. @throws what OBS throws */
export function listRecordPage(from: ListFrom, invocation: Invocation): Promise<ListPage> {
  return listObjects(invocation.settings.snapshotBucket, from, invocation);
}

/** All records of one folder, without the folders below it. @throws what OBS throws */
export function listRecordsIn(folder: string, invocation: Invocation): Promise<ListedObject[]> {
  return listFolder(invocation.settings.snapshotBucket, folder, invocation);
}

/** A record as OBS lists it; undefined when there is none. @throws what OBS throws */
export function findRecord(key: string, invocation: Invocation): Promise<ListedObject | undefined> {
  return findObject(invocation.settings.snapshotBucket, key, invocation);
}

/** A short name for a record that these parts determine. */
export function digest(...parts: string[]): string {
  return sha256Hex(JSON.stringify(parts)).slice(0, 40);
}
