import * as z from 'zod';
import { logName, type Operation, readBody, tagList, tagsOf, ttlInDays } from '../operation';

const body = z.object({ log_stream_name: logName, ttl_in_days: ttlInDays.optional(), tags: tagList });

export const createLogStream: Operation = {
  on: 'POST /v2/{project_id}/groups/{log_group_id}/streams',
  action: 'lts:topics:create',
  run(request, { logs }) {
    const { log_stream_name: name, ttl_in_days: ttlDays, tags } = readBody(request.body, body);
    const stream = logs.createStream(request.names.log_group_id ?? '', name, ttlDays, tagsOf(tags));
    return { status: 201, body: { log_stream_id: stream.id } };
  },
};
