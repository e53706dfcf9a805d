import { Refused } from '../signed-server';

// Source of codes, statuses and texts: LTS API reference of the sister cloud, the operations' example answers and
// "Error Codes".

function refused(status: number, code: string, message: string): Refused {
  return new Refused(status, code, message);
}

export const invalidBody = (detail: string) =>
  refused(400, 'LTS.0009', `Failed to validate the request body: ${detail}`);

export const noPermission = () => refused(403, 'LTS.0003', 'No permission.');

export const wrongProject = () => refused(403, 'LTS.0001', 'Invalid projectId');

export const groupExists = (name: string) =>
  refused(400, 'LTS.0103', `Log group name ${name} has been existed`);

export const noSuchGroup = () => refused(400, 'LTS.0201', 'The log group is not existed');

export const streamExists = (name: string) =>
  refused(400, 'LTS.0205', `Log stream name ${name} has been existed`);

export const noSuchStream = () => refused(400, 'LTS.0208', 'The log stream does not existed');

export const tooManyGroups = (limit: number) =>
  refused(400, 'LTS.0104', `The number of log groups exceeds the limit: ${limit}`);
