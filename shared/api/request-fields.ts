import * as z from 'zod/mini';
import { ThumbnailParaSchema } from '../installation/capture';
import { CreateSchema } from '../tasks/create-request';
import { ListSchema, ViewSchema } from '../tasks/list-request';

// What the fields of requests mean, and in which unit they are. The functions do not load this file: like answers.ts it is a
// source of docs/openapi.json.

/** Tells zod's registry about fields of an object, where tools that read the schema find it. */
function describe<Shape extends z.core.$ZodShape>(
  schema: z.ZodMiniObject<Shape>,
  fields: { [Field in keyof Shape]?: z.core.GlobalMeta },
): void {
  for (const [field, metadata] of Object.entries(fields)) {
    const described = schema.shape[field];
    if (described !== undefined && metadata !== undefined) z.globalRegistry.add(described, metadata);
  }
}

describe(CreateSchema, {
  tar: { description: '1: loose pictures. 0: one archive.' },
  sync: { description: '1: the answer brings the picture.' },
  original_dir: { description: '0: a random directory below `output.object`. 1: `output.object` itself.' },
});

describe(ThumbnailParaSchema, {
  type: {
    description:
      'TIME: at intervals. DOTS: at up to 10 times in seconds. DOTS_MS: at one time in milliseconds, with sync 1. TIME when left out.',
  },
  time: { 'x-unit': 's', description: 'TIME: seconds between two pictures.' },
  start_time: { 'x-unit': 's', description: 'TIME: where the first picture is taken.' },
  duration: { 'x-unit': 's', description: 'TIME: for how long pictures are taken; 0 to the end.' },
  dots: { 'x-unit': 's', description: 'DOTS: times of the pictures.' },
  dots_ms: { 'x-unit': 'ms', description: 'DOTS_MS: time of the picture.' },
  format: { description: '1: JPEG.' },
  width: { 'x-unit': 'px', description: '0 follows the aspect ratio.' },
  height: { 'x-unit': 'px', description: '0 follows the aspect ratio.' },
  max_length: { 'x-unit': 'px', description: 'The longer side, where width and height are not given.' },
  amount: { 'x-unit': '%' },
});

const wholeNumberAsText = { pattern: '^\\d{1,10}$' };
const view = {
  wait: wholeNumberAsText,
  pictures: {
    description:
      'How many pictures of each task are listed in JSON: none, the first one, or all that one answer holds. all when left out.',
  },
};
describe(ViewSchema, view);
describe(ListSchema, { ...view, page: wholeNumberAsText, size: wholeNumberAsText });
