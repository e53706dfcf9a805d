import { appOf, appView, type Operation } from '../operation';

export const showApp: Operation = {
  on: 'GET /v2/{project_id}/apigw/instances/{instance_id}/apps/{app_id}',
  action: 'apig:apps:get',
  run({ names }, { access }) {
    const app = appOf(access(names), names.app_id);
    return { status: 200, body: { ...appView(app), app_secret: app.secret } };
  },
};
