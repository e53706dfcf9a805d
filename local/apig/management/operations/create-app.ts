import * as z from 'zod';
import { appView, type Operation, readBody, requireFreeAppName, resourceName } from '../operation';

const body = z.object({
  name: resourceName,
  remark: z.string().max(255).default(''),
  app_key: z
    .string()
    .regex(/^[A-Za-z0-9][\w-]{7,63}$/)
    .optional(),
  app_secret: z
    .string()
    .regex(/^[A-Za-z0-9][\w\-!@#$%]{7,63}$/)
    .optional(),
});

export const createApp: Operation = {
  on: 'POST /v2/{project_id}/apigw/instances/{instance_id}/apps',
  action: 'apig:apps:create',
  run(request, { access }) {
    const { name, remark, app_key: key, app_secret: secret } = readBody(request.body, body);
    requireFreeAppName(access(request.names), name);
    const app = access(request.names).addApp({ name, remark, key, secret });
    return { status: 201, body: { ...appView(app), app_secret: app.secret } };
  },
};
