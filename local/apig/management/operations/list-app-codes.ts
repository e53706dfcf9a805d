import { appCodeView, appOf, type Operation, page } from '../operation';

export const listAppCodes: Operation = {
  on: 'GET /v2/{project_id}/apigw/instances/{instance_id}/apps/{app_id}/app-codes',
  action: 'apig:appCodes:list',
  run({ names, query }, { access }) {
    const app = appOf(access(names), names.app_id);
    const { items, ...sizes } = page(app.codes, query);
    return { status: 200, body: { ...sizes, app_codes: items.map((code) => appCodeView(app, code)) } };
  },
};
