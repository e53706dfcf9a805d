import { appCodeView, appOf, type Operation } from '../operation';

export const createAppCode: Operation = {
  on: 'PUT /v2/{project_id}/apigw/instances/{instance_id}/apps/{app_id}/app-codes',
  action: 'apig:appCodes:create',
  run({ names }, { access }) {
    const book = access(names);
    const app = appOf(book, names.app_id);
    return { status: 200, body: appCodeView(app, book.addCode(app)) };
  },
};
