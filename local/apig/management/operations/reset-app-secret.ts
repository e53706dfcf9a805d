import * as z from 'zod';
import { appOf, appView, type Operation, readBody } from '../operation';

const body = z.object({
  app_secret: z
    .string()
    .regex(/^[A-Za-z0-9][\w\-!@#$%]{7,63}$/)
    .optional(),
});

/** From now on signatures with the old secret are refused. */
export const resetAppSecret: Operation = {
  on: 'PUT /v2/{project_id}/apigw/instances/{instance_id}/apps/secret/{app_id}',
  action: 'apig:apps:update',
  run(request, { access }) {
    const book = access(request.names);
    const app = appOf(book, request.names.app_id);
    book.resetSecret(app, readBody(request.body, body).app_secret);
    return { status: 200, body: { ...appView(app), app_secret: app.secret } };
  },
};
