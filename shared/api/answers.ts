import * as z from 'zod/mini';

// The answers of the HTTP API. The functions do not load this file: it is the source of docs/openapi.json, and the
// end-to-end tests check every answer against it.

const ObsLocation = z.object({
  bucket: z.optional(z.string()),
  location: z.optional(z.string().check(z.describe('Region of the bucket.'))),
  object: z.optional(z.string()),
});

const TASK_ID = z
  .string()
  .check(
    z.regex(/^[A-Za-z0-9]{1,16}$/),
    z.meta({ description: 'Id that MPC gave to the task.', examples: ['1000001'] }),
  );
const MPC_TIME = z
  .string()
  .check(z.meta({ description: 'UTC, `yyyymmddhhmmss`.', examples: ['20261123192025'] }));

const Picture = z.looseObject({
  pic_name: z.string().check(z.meta({ description: 'File name that MPC chose.', examples: ['5.jpg'] })),
  time: z.nullable(z.number()).check(
    z.meta({
      description: 'Time of the picture in the video; null when neither its name nor the task says it.',
      'x-unit': 's',
    }),
  ),
  end_time: z.optional(
    z.number().check(z.meta({ description: 'Until here it stands for the video.', 'x-unit': 's' })),
  ),
  url: z.optional(
    z
      .string()
      .check(z.describe('Temporary address. Absent for archives and for buckets of other installations.')),
  ),
});

const STATUS = z
  .enum(['WAITING', 'PROCESSING', 'SUCCEEDED', 'FAILED', 'CANCELED'])
  .check(z.describe('The last three are final.'));

const AS_OF = z.optional(z.string()).check(
  z.meta({
    description:
      'MPC could not be asked: the state of tasks that have not ended is from this time (UTC). `Retry-After` says when to ask again.',
    examples: ['2026-11-27T12:00:00.000Z'],
  }),
);

/** A task as `GET /snapshots…` shows it. MPC may add fields. */
export const TaskAnswer = z.looseObject({
  task_id: TASK_ID,
  status: STATUS,
  capture: z.optional(z.string().check(z.describe('Name of the capture, if CAPTURES names several.'))),
  create_time: z.optional(MPC_TIME),
  end_time: z.optional(MPC_TIME),
  input: z.optional(ObsLocation),
  output: z.optional(ObsLocation),
  output_file_name: z.optional(z.string()),
  user_data: z.optional(z.string().check(z.describe('The text that the caller of `POST /snapshots` sent.'))),
  description: z.optional(
    z.string().check(z.describe('Why the task failed, or how its pictures differ from the video.')),
  ),
  thumbnail_info: z.optional(z.array(Picture)),
  pictures_total: z.optional(
    z
      .int()
      .check(
        z.describe(
          'Number of pictures, if not all are listed: because of `pictures`, or because an answer holds at most 6 MB. Ask for fewer tasks at once; `snapshots.json` beside the pictures names all pictures of a task.',
        ),
      ),
  ),
  user_data_characters: z.optional(
    z
      .int()
      .check(
        z.describe(
          'Length of `user_data`, if it is left out because an answer holds at most 6 MB. Ask for this task alone.',
        ),
      ),
  ),
  as_of: AS_OF,
});

export const TaskListAnswer = z.object({
  task_array: z.array(TaskAnswer),
  is_truncated: z
    .literal([0, 1])
    .check(z.describe('1: there are more pages; with `object`, older tasks that are not listed.')),
  total: z
    .int()
    .check(
      z.describe(
        'Without `object` this is the count of MPC: it includes tasks of the account that are not of this installation and not shown.',
      ),
    ),
  as_of: AS_OF,
});

/** An asynchronous task has only its id; a synchronous one also has its picture. */
export const CreatedAnswer = z.object({
  task_id: z.optional(TASK_ID),
  status: z.optional(z.string()),
  create_time: z.optional(MPC_TIME),
  output: z.optional(ObsLocation),
  output_file_name: z.optional(z.string()),
  thumbnail_info: z.optional(z.array(Picture)),
});

/** `?dry_run=true` */
export const DryRunAnswer = z.object({
  request: z.looseObject({ input: ObsLocation, output: ObsLocation, thumbnail_para: z.looseObject({}) }),
  pictures: z.object({ names: z.array(z.string()), rule: z.string() }),
});

export const StoryboardAnswer = z.array(
  z.object({
    url: z.string(),
    startTime: z.number().check(z.meta({ 'x-unit': 's' })),
    endTime: z.optional(z.number().check(z.meta({ 'x-unit': 's' }))),
  }),
);

export const ErrorAnswer = z.object({
  error_code: z.string().check(z.meta({ examples: ['MPC.10202'] })),
  error_msg: z.string().check(z.describe('What is wrong and what to do, for a person.')),
  request_id: z.string().check(z.describe('Find the lines in the function’s log by it.')),
  details: z.optional(
    z.array(
      z.object({
        path: z.string().check(z.meta({ description: 'The field.', examples: ['thumbnail_para.time'] })),
        message: z.string().check(z.describe('What is allowed, and what came.')),
      }),
    ),
  ),
});
