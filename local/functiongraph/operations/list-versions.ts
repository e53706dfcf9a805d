import type { Operation } from '../operation';
import { pageOf } from '../paging';
import { latestOfUrn, versionsOf } from '../platform';
import { functionView } from '../views';

const PAGE_SIZE = { default: 400, max: 400, beyond: 'refused' } as const;

/** Lists the versions of a function, `latest` first. */
export const listVersions: Operation = {
  method: 'GET',
  path: 'fgs/functions/{urn}/versions',
  handle(platform, { params, query }) {
    const versions = versionsOf(latestOfUrn(platform, params.urn ?? ''));
    const { page, nextMarker } = pageOf(versions, query, 'maxitems', PAGE_SIZE);
    return {
      status: 200,
      body: {
        versions: page.map((version) => functionView(platform, version)),
        count: page.length,
        next_marker: nextMarker,
      },
    };
  },
};
