import { Refused } from '../signed-server';

// IAM's own refusals have another form than those of the gateway in front of it (IAM API reference, example answers).

const TITLES = { 400: 'Bad Request', 403: 'Forbidden', 404: 'Not Found', 409: 'Conflict' } as const;

function refused(code: keyof typeof TITLES, message: string): Refused {
  return new Refused(code, String(code), message, { error: { code, message, title: TITLES[code] } });
}

export const badRequest = (message: string) => refused(400, message);

export const notAuthorized = () => refused(403, 'You are not authorized to perform the requested action.');

export const foreignDomain = () => refused(403, 'domain_id is not that of this account.');

export const notFound = () => refused(404, 'The requested resource could not be found.');

export const alreadyExists = (what: string) => refused(409, `${what} already exists.`);

export const inUse = (what: string) => refused(409, `${what} is in use.`);

export const quotaReached = (what: string, limit: number) =>
  refused(403, `The number of ${what} exceeds the limit: ${limit}.`);
