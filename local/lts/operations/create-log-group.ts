import * as z from 'zod';
import { logName, type Operation, readBody, tagList, tagsOf, ttlInDays } from '../operation';

const body = z.object({ log_group_name: logName, ttl_in_days: ttlInDays, tags: tagList });

export const createLogGroup: Operation = {
  on: 'POST /v2/{project_id}/groups',
  action: 'lts:groups:create',
  run(request, { logs }) {
    const { log_group_name: name, ttl_in_days: ttlDays, tags } = readBody(request.body, body);
    return { status: 201, body: { log_group_id: logs.createGroup(name, ttlDays, tagsOf(tags)).id } };
  },
};
