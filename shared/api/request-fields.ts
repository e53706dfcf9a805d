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
  user_data: { description: 'Your own text. Reading the task shows it.' },
  tar: { description: '1: loose pictures. 0: one archive.' },
  sync: { description: '1: the answer has the picture.' },
  original_dir: { description: '0: a random directory below `output.object`. 1: `output.object` itself.' },
});

describe(ThumbnailParaSchema, {
  type: {
    description:
      'TIME: at intervals. DOTS: at up to 10 times in seconds. DOTS_MS: at one time in milliseconds, with sync 1. TIME when left out.',
  },
  time: { 'x-unit': 's', description: 'TIME: seconds between two pictures.' },
  start_time: { 'x-unit': 's', description: 'TIME: time of the first picture.' },
  duration: { 'x-unit': 's', description: 'TIME: how long pictures are taken. 0: to the end of the video.' },
  dots: { 'x-unit': 's', description: 'DOTS: times of the pictures.' },
  dots_ms: { 'x-unit': 'ms', description: 'DOTS_MS: time of the picture.' },
  output_filename: { description: 'Name of the files, before the second that each shows.' },
  format: { description: 'JPEG.' },
  width: { 'x-unit': 'px', description: '0: follows the aspect ratio.' },
  height: { 'x-unit': 'px', description: '0: follows the aspect ratio.' },
  max_length: { 'x-unit': 'px', description: 'The longer side, where width and height are not given.' },
  amount: { 'x-unit': '%' },
});

const wholeNumberAsText = { pattern: '^\\d{1,10}$' };
const view = {
  pictures: {
    description:
      'Which pictures of each task the JSON lists; `all` when left out. An answer holds 6 MB: where not all fit, `pictures_total` says how many there are.',
  },
};
describe(ViewSchema, { ...view, wait: wholeNumberAsText });
describe(ListSchema, { ...view, page: wholeNumberAsText, size: wholeNumberAsText });
