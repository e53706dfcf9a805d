import { ObsError } from './errors';
import type { NamedStorageClass } from './journal-entry';
import { type ObsRequest, protocolHeader } from './request';
import type { Dialect } from './signature';

/** How quickly an object can be read. Absent: at once (OBS API reference, x-obs-storage-class). */
export type StorageClass = 'WARM' | 'COLD';

const NAMES: Readonly<Record<Dialect, Readonly<Record<NamedStorageClass, string>>>> = {
  obs: { STANDARD: 'STANDARD', WARM: 'WARM', COLD: 'COLD' },
  aws: { STANDARD: 'STANDARD', WARM: 'STANDARD_IA', COLD: 'GLACIER' },
};

/** The class that a write names; undefined if it names none: then its bucket decides. @throws ObsError InvalidStorageClass */
export function storageClassOf(request: ObsRequest): NamedStorageClass | undefined {
  const wanted = protocolHeader(request, 'storage-class');
  if (wanted === undefined) return undefined;
  return namedStorageClass(wanted, request.dialect);
}

/** The class with this name in the words of the dialect. @throws ObsError InvalidStorageClass */
export function namedStorageClass(wanted: string, dialect: Dialect): NamedStorageClass {
  const names = NAMES[dialect];
  for (const name of ['STANDARD', 'WARM', 'COLD'] as const) if (wanted === names[name]) return name;
  throw new ObsError(
    'InvalidStorageClass',
    `The storage class '${wanted}' is invalid: use one of ${Object.values(names).join(', ')}.`,
  );
}

/** The name of a class in the words of the dialect. */
export function storageClassName(storageClass: StorageClass | undefined, dialect: Dialect): string {
  return NAMES[dialect][storageClass ?? 'STANDARD'];
}

/**
 * An archived object must be restored before anybody reads it (OBS API reference, GET Object and error codes). The
 * local cloud restores none.
 *
 * @throws ObsError InvalidObjectState
 */
export function requireReadable({ storageClass, key }: { storageClass?: StorageClass; key: string }): void {
  if (storageClass !== 'COLD') return;
  throw new ObsError(
    'InvalidObjectState',
    `The object '${key}' is archived (COLD): restore it before you read it.`,
  );
}
