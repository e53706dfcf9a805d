import * as z from 'zod';
import { parseJson } from '../../../parse-json';
import { invalidParameter } from '../errors';
import { groupView, type Operation } from '../operation';

const body = z.object({
  name: z.string().regex(/^[\p{Script=Han}A-Za-z][\p{Script=Han}\w]{2,63}$/u),
  remark: z
    .string()
    .max(255)
    .regex(/^[^<>]*$/)
    .default(''),
});

export const createGroup: Operation = {
  on: 'POST /v2/{project_id}/apigw/instances/{instance_id}/api-groups',
  action: 'apig:groups:create',
  run(request, { gateways }) {
    const parsed = body.safeParse(parseJson(request.body.toString('utf8')));
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      throw invalidParameter(issue?.path.join('.') ?? '', 'Please refer to the support documentation');
    }
    const { name, remark } = parsed.data;
    const group = gateways.createGroup(request.names.instance_id ?? '', name, remark);
    return { status: 201, body: groupView(group) };
  },
};
