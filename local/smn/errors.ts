import { Refused } from '../signed-server';

// Source of codes and texts: SMN API reference, "Error Codes" and "Exception Response", which names the fields `code`
// and `message`.

function refused(status: number, code: string, message: string): Refused {
  return new Refused(status, code, message, { code, message });
}

export const invalidName = () => refused(400, 'SMN.0002', 'Parameter: Name is invalid.');

export const invalidDisplayName = () => refused(400, 'SMN.0003', 'Parameter: DisplayName is invalid.');

export const topicNotFound = () => refused(404, 'SMN.0006', 'Topic not found.');

export const invalidMessage = () => refused(400, 'SMN.0024', 'Parameter: content is invalid.');

export const invalidPolicy = () => refused(400, 'SMN.0048', 'Parameter: Access policy is invalid.');

export const invalidPage = () => refused(400, 'SMN.0015', 'Parameter: Offset or limit is invalid.');

export const invalidAttribute = () => refused(400, 'SMN.0047', 'Parameter: Attribute name is invalid.');

export const noPermission = () => refused(403, 'SMN.0403', 'No permission.');

export const wrongProject = () => refused(403, 'SMN.0403', 'The project is not that of the caller.');
