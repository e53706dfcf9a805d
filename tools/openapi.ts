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
    reused: 'inline',
  }) as Json;
  return rest;
};
const reference = (name: string): Json => ({ $ref: `#/components/schemas/${name}` });
const json = (schema: Json, example?: unknown): Json => ({
  'application/json': { schema, ...(example !== undefined && { example }) },
});
const textual = (type: string): Json => ({ [type]: { schema: { type: 'string' } } });

/** What can go wrong, and what a caller does about it. */
const ERRORS: Record<string, { description: string; retries?: true }> = {
  '400': {
    description:
      'The request is wrong: `details` names each field. Change it; MPC was not called. `MPC.10202`, or a refusal in MPC’s own words.',
  },
  '401': { description: 'The gateway could not verify the signature or token. Sign again with a valid key.' },
  '403': {
    description:
      'MPC or the gateway forbids it, with its own code, for example `MPC.10209`: it cannot read the input.',
  },
  '404': {
    description:
      '`MPC.10211`: there is no such task or video here; one of somebody else of the account, or of another stage that shares the buckets, is answered in the same way. Check the id.',
  },
  '409': {
    description:
      '`IDEMPOTENCY.0409`: a call with this key is at work. `MPC.10212`: there is no picture yet. Come back after `Retry-After`.',
    retries: true,
  },
  '413': { description: '`FSS.1201`: the request is above the 6 MB that the platform takes. Send less.' },
  '422': {
    description:
      '`IDEMPOTENCY.0422`: the key was used for another request; take a new one. `MPC.10212`: there is no picture, the reason stands beside.',
  },
  '429': {
    description: '`APIGW.0308`: MPC’s quota of calls is used up. Come back after `Retry-After`.',
    retries: true,
  },
  '500': { description: '`APIGW.0601`: a failure of this service. Its log has it under `request_id`.' },
  '502': {
    description:
      '`APIGW.0201`: MPC or OBS cannot be reached or refuses this service. Try again; if it stays, its log says why.',
  },
  '503': { description: '`APIGW.0201`: MPC or OBS pauses. Come back after `Retry-After`.', retries: true },
  '504': {
    description:
      '`APIGW.0201`: MPC or OBS did not answer in time. A creation may have succeeded: repeat it with an `Idempotency-Key` only.',
  },
};
const EXAMPLE_ERROR = {
  error_code: 'MPC.10202',
  error_msg: 'Invalid request parameter: thumbnail_para.time must be a whole number from 1 to 100 s, got 120',
  request_id: '6cb081a1718e331142d12a78cc7ca5c9',
  details: [{ path: 'thumbnail_para.time', message: 'must be a whole number from 1 to 100 s, got 120' }],
};
const failures: Json = Object.fromEntries(
  Object.entries(ERRORS).map(([status, { description, retries }]) => [
    status,
    {
      description,
      ...(retries && {
        headers: { 'Retry-After': { schema: { type: 'integer' }, description: 'Seconds to wait.' } },
      }),
      content: json(reference('Error'), status === '400' ? EXAMPLE_ERROR : undefined),
    },
  ]),
);

const DESCRIPTIONS: Record<string, string> = {
  task_id: 'Several ids: repeated, or separated by commas; at most 10.',
  status: 'Only tasks in this state.',
  start_time: 'Created at this time or later, UTC.',
  end_time: 'Created at this time or earlier, UTC.',
  page: 'Page of the list, from 0.',
  size: 'Tasks on a page.',
  object: 'Key of a video: its tasks, newest first.',
  bucket: 'Bucket of the video; all upload buckets when left out.',
  format:
    'json, a WebVTT track (vtt), the same as JSON (storyboard), the published track of tiles (sprite), a contact sheet (html), or the way to a cover (poster).',
  capture:
    'Only tasks of this capture of the video, one of CAPTURES. Left out: a list has the tasks of all; a cover is of the first capture that makes one picture, everything else of the first that makes more.',
  wait: 'Answer as soon as the task is final, or after so many seconds.',
};

function queryParameters(schema: z.core.$ZodType): Json[] {
  const { properties = {} } = jsonSchema(schema) as { properties?: Record<string, Json> };
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: 'query',
    description: DESCRIPTIONS[name] ?? '',
    schema: property,
    ...(property.type === 'array' && { style: 'form', explode: false }),
  }));
}

const taskIdInPath = {
  name: 'task_id',
  in: 'path',
  required: true,
  description: 'Id that MPC gave to the task.',
  schema: { type: 'string', pattern: '^[A-Za-z0-9]{1,16}$', examples: ['1000001'] },
};
const views = (schema: string) => ({
  '200': {
    description: 'In the format that was asked for.',
    content: {
      'application/json': { schema: { anyOf: [reference(schema), reference('Storyboard')] } },
      ...textual('text/vtt'),
      ...textual('text/html'),
    },
  },
  '302': {
    description: '`format=poster`: the way to the cover.',
    headers: { Location: { schema: { type: 'string' }, description: 'Temporary address of the picture.' } },
  },
});

/** The description of the HTTP API, OpenAPI 3.1. */
export function describeApi(): Json {
  return {
    openapi: '3.1.0',
    info: {
      title: 'mpc-snapshots',
      version: '0.2.0',
      summary: 'Snapshots of videos: create, cancel and query tasks of Huawei Cloud MPC.',
      description:
        'How the service is deployed and what starts captures by itself stands in docs/ of the project.\n\n' +
        'Only tasks of this installation are shown and cancelled: those from its upload buckets into its buckets. Whatever else is in the account is as if it were not there.',
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
          summary: 'Create a task.',
          description: 'The body is MPC’s own. Only `input.bucket` and `input.object` are required.',
          parameters: [
            {
              name: 'Idempotency-Key',
              in: 'header',
              description: 'The same key and body give the same task, however often they come.',
              schema: { type: 'string', minLength: 1, maxLength: 255, pattern: '^[ -~]+$' },
            },
            {
              name: 'dry_run',
              in: 'query',
              description: '`true` checks the request, shows what would be sent, and calls nothing.',
              schema: { type: 'string' },
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
              description: 'The task is created; with `sync` 1 its picture is there.',
              content: json(reference('CreatedTask'), { task_id: '1000003' }),
            },
            ...failures,
          },
        },
        get: {
          operationId: 'listSnapshots',
          tags: ['snapshots'],
          summary: 'The tasks of a video, or a list of tasks.',
          description:
            'A page of MPC’s list is read and the tasks of this installation are kept, so that a page may hold fewer than `size`, or none, while `is_truncated` is 1: go on with the next `page`. `total` counts all tasks of the account that fit.',
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
          summary: 'Cancel a task that waits.',
          description: 'One that runs or has ended is not touched.',
          responses: { '204': { description: 'It is cancelled.' }, ...failures },
        },
      },
    },
    components: {
      schemas: Object.fromEntries(
        Object.entries(COMPONENTS).map(([name, schema]) => [
          NAMES[name as keyof typeof COMPONENTS],
          jsonSchema(schema),
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
