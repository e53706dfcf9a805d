import { accepted, type Context, type Event, signedCreate } from './request';

/** CreateThumbnailsTask through the global `fetch`. */
export const handler = async (event: Event, context: Context): Promise<unknown> => {
  const { url, headers, body } = signedCreate(event, context);
  const response = await fetch(url, { method: 'POST', headers, body });
  return accepted(await response.json());
};
