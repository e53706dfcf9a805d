/*
 * Writes docs/openapi.json from the schemas that check requests:
 *
 *     npm run openapi
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import {
  CreatedAnswer,
  DryRunAnswer,
  ErrorAnswer,
  StoryboardAnswer,
  TaskAnswer,
  TaskListAnswer,
} from '../shared/api/answers';
import '../shared/api/request-fields';
import { CreateSchema } from '../shared/tasks/create-request';
import { ListSchema, ViewSchema } from '../shared/tasks/list-request';

export const OPENAPI_FILE = path.resolve(__dirname, '..', 'docs', 'openapi.json');

type Json = Record<string, unknown>;

const COMPONENTS = {
  CreateSchema,
  TaskAnswer,
  TaskListAnswer,
  CreatedAnswer,
  DryRunAnswer,
  StoryboardAnswer,
  ErrorAnswer,
};
const NAMES: Record<keyof typeof COMPONENTS, string> = {
  CreateSchema: 'CreateTask',
  TaskAnswer: 'Task',
  TaskListAnswer: 'TaskList',
  CreatedAnswer: 'CreatedTask',
  DryRunAnswer: 'DryRun',
  StoryboardAnswer: 'Storyboard',
  ErrorAnswer: 'Error',
};

const jsonSchema = (schema: z.core.$ZodType): Json => {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, {
    unrepresentable: 'any',
    // Rules that JSON Schema cannot express are rules about strings.
    override: ({ zodSchema, jsonSchema }) => {
      if (zodSchema._zod.def.type === 'custom') jsonSchema.type = 'string';
      // Of a string with a pattern, which zod counts among the formats.
      if (jsonSchema.format === 'text') delete jsonSchema.format;
    },
    reused: 'inline',
  }) as Json;
  return rest;
};
const reference = (name: string): Json => ({ $ref: `#/components/schemas/${name}` });
const json = (schema: Json, example?: unknown): Json => ({
  'application/json': { schema, ...(example !== undefined && { example }) },
});
const textual = (type: string): Json => ({ [type]: { schema: { type: 'string' } } });

/** An error of the API: what happened, and what the caller can do. */
interface DescribedError {
  status: string;
  codes: readonly string[];
  meaning: string;
  remedy: string;
  /** True if the answer has `Retry-After`. */
  retries?: true;
}

/** All errors. Several may have the same status. */
export const ERRORS: readonly DescribedError[] = [
  {
    status: '400',
    codes: ['MPC.10202'],
    meaning: 'The request is wrong. `details` names each field, what is allowed and what came.',
    remedy: 'Change the request.',
  },
  {
    status: '400',
    codes: ['MPC.…', 'APIG.0201'],
    meaning: 'MPC refused the call; `error_msg` has its own words. `APIG.0201`: the path is wrongly encoded.',
    remedy: 'Change the request.',
  },
  {
    status: '401',
    codes: ['APIG.0301', 'APIG.0303', 'APIG.0307'],
    meaning:
      'The gateway could not verify the signature, the token or the app. `APIG.0307`: the token has expired.',
    remedy: 'Sign with a valid key, or get a new token; check the clock.',
  },
  {
    status: '403',
    codes: ['APIG.…', 'MPC.…'],
    meaning: 'The gateway or MPC forbids the call. `MPC.10209`: MPC cannot read the input.',
    remedy: 'Check who may call, or that MPC may read the bucket.',
  },
  {
    status: '404',
    codes: ['MPC.10211'],
    meaning:
      'This installation has no such task or video. Tasks of other installations and other buckets get the same answer.',
    remedy: 'Check the id, the key and the bucket.',
  },
  {
    status: '404',
    codes: ['APIG.0101'],
    meaning: 'The gateway has no API with this method and path.',
    remedy: 'Check method, path and host.',
  },
  {
    status: '409',
    codes: ['IDEMPOTENCY.0409'],
    meaning: 'The first call with this `Idempotency-Key` is still running.',
    remedy: 'Send it again after `Retry-After`.',
    retries: true,
  },
  {
    status: '409',
    codes: ['MPC.10212'],
    meaning: 'The cover is not there yet.',
    remedy: 'Ask again after `Retry-After`.',
    retries: true,
  },
  {
    status: '413',
    codes: ['FSS.1201', 'APIG.0201'],
    meaning: 'The request is larger than 6 MB (`FSS.1201`), or than 12 MB (`APIG.0201`).',
    remedy: 'Send less.',
  },
  {
    status: '414',
    codes: ['APIG.0201'],
    meaning: 'Path and query are longer than 32 KB.',
    remedy: 'Ask for less at once.',
  },
  {
    status: '422',
    codes: ['IDEMPOTENCY.0422'],
    meaning: 'The `Idempotency-Key` was used for another request.',
    remedy: 'Use a new key.',
  },
  {
    status: '422',
    codes: ['MPC.10212'],
    meaning: 'The task has no picture to show. `error_msg` has the reason.',
    remedy: 'Create another task.',
  },
  {
    status: '429',
    codes: ['APIGW.0308'],
    meaning: 'MPC’s quota of calls is used up.',
    remedy: 'Call again after `Retry-After`.',
    retries: true,
  },
  {
    status: '429',
    codes: ['APIG.0308', 'FSS.0429'],
    meaning:
      'The caller, or all callers together, are above the gateway’s limit. `FSS.0429`: all instances of the function are busy.',
    remedy: 'Call less often.',
  },
  {
    status: '494',
    codes: ['APIG.0201'],
    meaning: 'A header is longer than 32 KB, or all together than 128 KB.',
    remedy: 'Send less.',
  },
  {
    status: '500',
    codes: ['APIGW.0601', 'FSS.0500', 'FSS.1202'],
    meaning: 'This service failed. `FSS.…`: it was interrupted.',
    remedy: 'Look for `request_id` in the functions’ log.',
  },
  {
    status: '502',
    codes: ['APIGW.0201'],
    meaning: 'MPC or OBS cannot be reached, or refuses this service.',
    remedy: 'Try again. If it stays, the functions’ log has the reason.',
  },
  {
    status: '503',
    codes: ['APIGW.0201'],
    meaning: 'MPC or OBS is not available.',
    remedy: 'Call again after `Retry-After`.',
    retries: true,
  },
  {
    status: '504',
    codes: ['APIGW.0201', 'APIG.0201'],
    meaning:
      'MPC or OBS (`APIGW.0201`), or this service (`APIG.0201`), did not answer in time. The task may exist.',
    remedy: 'Repeat `POST` only with the same `Idempotency-Key`.',
  },
];
const RETRY_AFTER = { schema: { type: 'integer' }, description: 'Seconds to wait before the next call.' };
const EXAMPLE_ERROR = {
  error_code: 'MPC.10202',
  error_msg: 'Invalid request parameter: thumbnail_para.time must be a whole number from 1 to 100 s, got 120',
  request_id: '6cb081a1718e331142d12a78cc7ca5c9',
  details: [{ path: 'thumbnail_para.time', message: 'must be a whole number from 1 to 100 s, got 120' }],
};
const failures: Json = Object.fromEntries(
  [...new Set(ERRORS.map(({ status }) => status))].map((status) => {
    const errors = ERRORS.filter((error) => error.status === status);
    return [
      status,
      {
        description: errors
          .map(
            ({ codes, meaning, remedy }) =>
              `${codes.map((one) => `\`${one}\``).join(', ')}: ${meaning} ${remedy}`,
          )
          .join(' '),
        ...(errors.some(({ retries }) => retries) && { headers: { 'Retry-After': RETRY_AFTER } }),
        content: json(reference('Error'), status === '400' ? EXAMPLE_ERROR : undefined),
      },
    ];
  }),
);

/** The meaning of query parameters. `value` is for docs/http-api.md if the schema cannot express it. */
const PARAMETERS: Record<string, { description: string; value?: string }> = {
  task_id: {
    description:
      'Only these tasks, separated by commas. If it is repeated, the gateway may pass on only the last one.',
    value: '1–10 task ids',
  },
  status: { description: 'Only tasks in this state.' },
  start_time: { description: 'Only tasks created at this time or later, UTC.', value: '`yyyymmddhhmmss`' },
  end_time: { description: 'Only tasks created at this time or earlier, UTC.', value: '`yyyymmddhhmmss`' },
  page: { description: 'Page of the list; the first one is 0.', value: '0–50000' },
  size: { description: 'Tasks on a page: 10 when left out, with `object` 100.', value: '1–100' },
  object: { description: 'Key of a video: its tasks, newest first. Without tasks the list is empty.' },
  bucket: { description: 'Bucket of the video; all upload buckets when left out.' },
  capture: {
    description:
      'Only tasks of this capture (one of `CAPTURES`). When left out: lists have all captures, a cover is of the first capture that makes one picture, and everything else is of the first that makes more.',
  },
  format: {
    description:
      '`vtt`, `storyboard`: a preview track. `sprite`: the published track of sprites. `html`: a contact sheet. `poster`: redirects to the cover.',
  },
  wait: {
    description: 'Answer when the task has ended, or after so many seconds.',
    value: '0–900 s',
  },
};

function queryParameters(schema: z.core.$ZodType): Json[] {
  const { properties = {} } = jsonSchema(schema) as { properties?: Record<string, Json> };
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: 'query',
    description: PARAMETERS[name]?.description ?? property.description ?? '',
    schema: property,
    ...(property.type === 'array' && { style: 'form', explode: false }),
  }));
}

/** The value of a parameter for docs/http-api.md, if the schema cannot express it. */
export const valueOfParameter = (name: string): string | undefined => PARAMETERS[name]?.value;

const taskIdInPath = {
  name: 'task_id',
  in: 'path',
  required: true,
  description: 'Id that MPC gave to the task.',
  schema: { type: 'string', pattern: '^[A-Za-z0-9]{1,16}$', examples: ['1000001'] },
};
const views = (schema: string) => ({
  '200': {
    description: 'The tasks, or what `format` asks for.',
    headers: {
      'Retry-After': {
        schema: { type: 'integer' },
        description: 'With `as_of` in the answer: seconds until MPC can be asked again.',
      },
    },
    content: {
      'application/json': { schema: { anyOf: [reference(schema), reference('Storyboard')] } },
      ...textual('text/vtt'),
      ...textual('text/html'),
    },
  },
  '302': {
    description: '`format=poster`: redirects to the cover.',
    headers: {
      Location: { schema: { type: 'string' }, description: '`format=poster`: address of the cover.' },
    },
  },
});

/** Description of a field that MPC accepts and ignores. */
export const WITHOUT_EFFECT = 'MPC ignores it.';

/** Descriptions of fields whose schema has several uses, so that it cannot contain them. */
const BODY_FIELDS: Record<string, Record<string, string>> = {
  input: {
    bucket: 'An upload bucket.',
    location: 'Region of the bucket; the service’s region when left out.',
    object: 'Key of the video.',
    file_name: WITHOUT_EFFECT,
  },
  output: {
    bucket: 'The snapshot bucket, or an upload bucket.',
    location: 'Region of the bucket; the service’s region when left out.',
    object: 'Directory of the pictures.',
    file_name: WITHOUT_EFFECT,
  },
};

function describeBody(schema: Json): Json {
  for (const [name, fields] of Object.entries(BODY_FIELDS)) {
    const { properties } =
      (schema.properties as Record<string, { properties: Record<string, Json> }>)[name] ?? {};
    for (const [field, description] of Object.entries(fields))
      Object.assign(properties?.[field] ?? {}, { description });
  }
  return schema;
}

/** The description of the HTTP API, OpenAPI 3.1. */
export function describeApi(): Json {
  return {
    openapi: '3.1.0',
    info: {
      title: 'mpc-snapshots',
      version: '0.2.0',
      summary: 'Snapshots of videos: create, cancel and query tasks of Huawei Cloud MPC.',
      description:
        'The pages in docs/ of the project say how to deploy the service and what starts captures.\n\n' +
        'The API shows and cancels only tasks of its own installation: from its upload buckets into its buckets. It does not show any other task of the account.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [
      { url: 'http://127.0.0.1:4000', description: 'The local cloud of `npm start`.' },
      {
        url: 'https://{group}.apig.{region}.huaweicloudapis.com',
        description: 'API Gateway; `npm run info` prints the address.',
        variables: { group: { default: 'group-id' }, region: { default: 'ap-southeast-3' } },
      },
    ],
    tags: [{ name: 'snapshots', description: 'Tasks and their pictures.' }],
    security: [{ iam: [] }, { iamToken: [] }, { app: [] }],
    paths: {
      '/snapshots': {
        post: {
          operationId: 'createSnapshots',
          tags: ['snapshots'],
          summary: 'Create a task, or with dry_run=true only check the request.',
          description: 'The body is the one of MPC. Only `input.bucket` and `input.object` are required.',
          parameters: [
            {
              name: 'Idempotency-Key',
              in: 'header',
              description: 'The same key and body give the same task, however often you send them.',
              schema: { type: 'string', minLength: 1, maxLength: 255, pattern: '^[ -~]+$' },
            },
            {
              name: 'dry_run',
              in: 'query',
              description: '`true`: check the request and show what would be sent to MPC; create nothing.',
              schema: { type: 'string', enum: ['true', 'false'] },
            },
          ],
          requestBody: {
            required: true,
            content: json(reference('CreateTask'), {
              input: { bucket: 'videos', object: 'uploads/sample.mp4' },
              thumbnail_para: { type: 'DOTS', dots: [3, 7] },
            }),
          },
          responses: {
            '200': { description: 'A dry run.', content: json(reference('DryRun')) },
            '202': {
              description: 'The task is created. With `sync` 1 the answer has its picture.',
              content: json(reference('CreatedTask'), { task_id: '1000003' }),
            },
            ...failures,
          },
        },
        get: {
          operationId: 'listSnapshots',
          tags: ['snapshots'],
          summary: 'The tasks of one video (object=), or a list of tasks.',
          description:
            'A page of MPC’s list may hold tasks of other installations, which are left out. A page can therefore hold fewer tasks than `size`, or none, while `is_truncated` is 1: go on with the next `page`. `total` counts all matching tasks of the account.',
          parameters: queryParameters(ListSchema),
          responses: { ...views('TaskList'), ...failures },
        },
      },
      '/snapshots/{task_id}': {
        parameters: [taskIdInPath],
        get: {
          operationId: 'getSnapshots',
          tags: ['snapshots'],
          summary: 'One task and its pictures.',
          parameters: queryParameters(ViewSchema),
          responses: { ...views('Task'), ...failures },
        },
        delete: {
          operationId: 'cancelSnapshots',
          tags: ['snapshots'],
          summary: 'Cancel a task that is still waiting.',
          description: 'A task that is running or has ended stays as it is.',
          responses: { '204': { description: 'The task is cancelled.' }, ...failures },
        },
      },
    },
    components: {
      schemas: Object.fromEntries(
        Object.entries(COMPONENTS).map(([name, schema]) => [
          NAMES[name as keyof typeof COMPONENTS],
          name === 'CreateSchema' ? describeBody(jsonSchema(schema)) : jsonSchema(schema),
        ]),
      ),
      securitySchemes: {
        iam: {
          type: 'apiKey',
          in: 'header',
          name: 'Authorization',
          description:
            '`SDK-HMAC-SHA256 …`: signed with an access key of the account or the key of an app, as all SDKs of Huawei Cloud do.',
        },
        iamToken: { type: 'apiKey', in: 'header', name: 'X-Auth-Token', description: 'A token of IAM.' },
        app: {
          type: 'apiKey',
          in: 'header',
          name: 'X-Apig-AppCode',
          description: 'The AppCode of an app, where simple authentication is on.',
        },
      },
    },
  };
}

if (require.main === module) writeFileSync(OPENAPI_FILE, `${JSON.stringify(describeApi(), null, 2)}\n`);
