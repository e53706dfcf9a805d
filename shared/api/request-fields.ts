import * as z from 'zod/mini';
import { thumbnailParaSchema } from '../installation/capture';
import { CreateSchema } from '../tasks/create-request';
import { ListSchema, ViewSchema } from '../tasks/list-request';

// Meaning and units of request fields. The functions do not load this file: like answers.ts it is a source of
// docs/openapi.json.

/** Adds descriptions to zod's registry, where tools that read the schema find them. */
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
  user_data: { description: 'Your own text. Answers about the task return it.' },
  tar: { description: '1: separate pictures. 0: one archive.' },
  sync: { description: '1: synchronous, the answer has the picture. 0: asynchronous.' },
  original_dir: { description: '0: a random directory below `output.object`. 1: `output.object` itself.' },
});

describe(thumbnailParaSchema(), {
  type: {
    description:
      'TIME (default): at intervals. DOTS: at up to 10 times in seconds. DOTS_MS: at one time in milliseconds, only with sync 1.',
  },
  time: { 'x-unit': 's', description: 'TIME: seconds between two pictures.' },
  start_time: { 'x-unit': 's', description: 'TIME: time of the first picture.' },
  duration: {
    'x-unit': 's',
    description: 'TIME: length of the part that is captured. 0: to the end of the video.',
  },
  dots: { 'x-unit': 's', description: 'DOTS: times of the pictures.' },
  dots_ms: { 'x-unit': 'ms', description: 'DOTS_MS: time of the picture.' },
  output_filename: { description: 'File name of the pictures. MPC appends the second of each picture.' },
  format: { description: 'JPEG.' },
  width: { 'x-unit': 'px', description: '0: follows the aspect ratio.' },
  height: { 'x-unit': 'px', description: '0: follows the aspect ratio.' },
  max_length: { 'x-unit': 'px', description: 'The longer side, if width and height are not given.' },
  amount: { 'x-unit': '%' },
});

const wholeNumberAsText = { pattern: '^\\d{1,10}$' };
const view = {
  pictures: {
    description:
      'Which pictures of each task the JSON lists; default `all`. An answer holds at most 6 MB: if not all fit, `pictures_total` has their number.',
  },
};
describe(ViewSchema, { ...view, wait: wholeNumberAsText });
describe(ListSchema, { ...view, page: wholeNumberAsText, size: wholeNumberAsText });
