import type { Operation } from '../operation';
import { pageOf } from '../paging';
import { functionView } from '../views';

const PAGE_SIZE = { default: 400, max: 400, beyond: 'largest' } as const;

/** Lists functions in pages of `maxitems`. With `func_name`, only those whose name contains it. */
export const listFunctions: Operation = {
  method: 'GET',
  path: 'fgs/functions',
  handle(platform, { query }) {
    const name = query.get('func_name') ?? '';
    const matching = [...platform.functions.values()].filter((deployed) => deployed.name.includes(name));
    const { page, nextMarker } = pageOf(matching, query, 'maxitems', PAGE_SIZE);
    return {
      status: 200,
      body: {
        functions: page.map((deployed) => functionView(platform, deployed)),
        count: page.length,
        next_marker: nextMarker,
      },
    };
  },
};
