import { appOf, type Operation } from '../operation';

export const deleteApp: Operation = {
  on: 'DELETE /v2/{project_id}/apigw/instances/{instance_id}/apps/{app_id}',
  action: 'apig:apps:delete',
  run({ names }, { access }) {
    const book = access(names);
    book.removeApp(appOf(book, names.app_id));
    return { status: 204 };
  },
};
