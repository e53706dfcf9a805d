import { request } from 'undici';
import { accepted, type Context, type Event, signedCreate } from './request';

/** CreateThumbnailsTask through undici's own `request`. */
export const handler = async (event: Event, context: Context): Promise<unknown> => {
  const { url, headers, body } = signedCreate(event, context);
  const response = await request(url, { method: 'POST', headers, body });
  return accepted(await response.body.json());
};
