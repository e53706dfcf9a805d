import { createHmac, hash } from 'node:crypto';
import { post } from './post';

/** A floor: the same, with the two hashes and the HMAC that every signed request needs. */
export const handler = async (
  event: { body: string },
  context: { getUserData(key: string): string; getSecuritySecretKey(): string },
): Promise<unknown> => {
  const digest = hash('sha256', `POST\n/v1/p/thumbnails/\n${hash('sha256', event.body)}`);
  const signature = createHmac('sha256', context.getSecuritySecretKey()).update(digest).digest('hex');
  return post(event, context, { authorization: signature });
};
