import { Refused } from '../../signed-server';

// Source of codes and texts: API Gateway API reference, "Error Codes" and example answers.

function refused(status: number, code: string, message: string): Refused {
  return new Refused(status, code, message);
}

export const noPermission = () => refused(403, 'APIG.1005', 'No permissions to request this method');

export const invalidParameter = (name: string, detail: string) =>
  refused(400, 'APIG.2011', `Invalid parameter value,parameterName:${name}. ${detail}`);

export const noSuchGroup = (id: string) => refused(404, 'APIG.3001', `API group ${id} does not exist`);

export const noSuchInstance = (id: string) =>
  refused(404, 'APIG.3030', `The instance does not exist;id:${id}`);

export const tooManyGroups = () =>
  refused(403, 'APIG.3101', 'The number of API groups exceeds the maximum allowed limit.');

export const groupNameTaken = () => refused(400, 'APIG.3201', 'The API group name already exists');

export const appNameTaken = () => refused(400, 'APIG.3203', 'The app name already exists');

export const throttleNameTaken = () =>
  refused(400, 'APIG.3204', 'The request throttling policy name already exists');

export const aclNameTaken = () => refused(400, 'APIG.3206', 'The access control policy name already exists');

export const groupHasApis = (id: string) =>
  refused(409, 'APIG.3303', `The API group ${id} contains APIs and cannot be deleted`);

/** @param what for example `App 356de8eb7a874216` */
export const notFound = (code: string, what: string) => refused(404, code, `${what} does not exist`);
