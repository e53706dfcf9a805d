import * as z from 'zod';
import { invalidPage } from '../errors';
import { type Operation, smnTime } from '../operation';

const MAX_LIMIT = 100;

const page = z.object({
  offset: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(MAX_LIMIT).default(MAX_LIMIT),
});

export const listTopics: Operation = {
  on: 'GET /v2/{project_id}/notifications/topics',
  action: 'smn:topic:list',
  run({ query }, { topics }) {
    const parsed = page.safeParse(Object.fromEntries(query));
    if (!parsed.success) throw invalidPage();
    const { offset, limit } = parsed.data;
    const name = query.get('name');
    const part = query.get('fuzzy_name') ?? '';
    const found = topics
      .list()
      .filter((topic) => (name === null || topic.name === name) && topic.name.includes(part));
    return {
      status: 200,
      body: {
        topic_count: found.length,
        topics: found.slice(offset, offset + limit).map((topic) => ({
          topic_urn: topic.urn,
          name: topic.name,
          display_name: topic.displayName,
          push_policy: 0,
          enterprise_project_id: '0',
          topic_id: topic.id,
          create_time: smnTime(topic.createdMs),
          update_time: smnTime(topic.updatedMs),
        })),
      },
    };
  },
};
