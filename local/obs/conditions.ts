import { ObsError, type OverwriteRefusal } from './errors';
import type { StoredObject } from './object-store';
import { type Call, unquoted } from './operation';
import { protocolHeader } from './request';

/** The four conditions of a request, as its headers state them. */
export interface Conditions {
  ifMatch: string | undefined;
  ifNoneMatch: string | undefined;
  ifModifiedSince: string | undefined;
  ifUnmodifiedSince: string | undefined;
}

/** Reads the conditions from headers. Those of a copy's source have a prefix. */
export function conditionsOf(headers: ReadonlyMap<string, string>, prefix = ''): Conditions {
  return {
    ifMatch: headers.get(`${prefix}if-match`),
    ifNoneMatch: headers.get(`${prefix}if-none-match`),
    ifModifiedSince: headers.get(`${prefix}if-modified-since`),
    ifUnmodifiedSince: headers.get(`${prefix}if-unmodified-since`),
  };
}

/**
 * Checks conditions in the order of RFC 9110: an ETag outweighs a time.
 *
 * @returns false if the client already has this object
 * @throws ObsError PreconditionFailed if the object is not the one that the client wants
 */
export function isWanted(object: StoredObject, conditions: Conditions): boolean {
  const { ifMatch, ifNoneMatch, ifModifiedSince, ifUnmodifiedSince } = conditions;
  if (
    ifMatch !== undefined ? !namesEtag(ifMatch, object) : isModifiedSince(object, ifUnmodifiedSince) === true
  ) {
    throw new ObsError(
      'PreconditionFailed',
      'At least one of the preconditions you specified did not hold.',
      {
        Condition: ifMatch !== undefined ? 'If-Match' : 'If-Unmodified-Since',
      },
    );
  }
  if (ifNoneMatch !== undefined) return !namesEtag(ifNoneMatch, object);
  return isModifiedSince(object, ifModifiedSince) !== false;
}

/** The refusal of a write that must not replace an object; undefined for all other writes. */
export function overwriteRefusal({ request, behaviour }: Call): OverwriteRefusal | undefined {
  if (behaviour.conditionalWrites === 'ignored') return undefined;
  if (request.headers.get('if-none-match')?.trim() === '*') return 'PreconditionFailed';
  const forbidden = protocolHeader(request, 'forbid-overwrite')?.toLowerCase() === 'true';
  return forbidden ? 'ObjectAlreadyExists' : undefined;
}

function namesEtag(list: string, object: StoredObject): boolean {
  const etags = list.split(',').map((etag) => unquoted(etag.trim().replace(/^W\//, '')));
  return etags.includes('*') || etags.includes(object.etag);
}

/** Times of HTTP have whole seconds. A header that is no time is ignored. */
function isModifiedSince(object: StoredObject, header: string | undefined): boolean | undefined {
  const sinceMs = Date.parse(header ?? '');
  return Number.isNaN(sinceMs) ? undefined : Math.floor(object.lastModifiedMs / 1000) * 1000 > sinceMs;
}
